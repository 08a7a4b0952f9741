package egress_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/egress"
	"latchkey/internal/fault"
)

func TestAnAcceptedURLIsSavedInOneForm(t *testing.T) {
	t.Parallel()
	dns := startDNS(t)
	for _, name := range []string{"hooks.example.com", "xn--bcher-kva.example", "a_b.example.com", "r3---x.example.com", "xn--nxasmm1c.example"} {
		dns.set(name, "8.8.8.8")
	}
	c := egress.New(egress.Options{Resolver: dns.resolver()})
	for in, want := range map[string]string{
		"https://hooks.example.com":                          "https://hooks.example.com/",
		"  https://hooks.example.com/a  ":                    "https://hooks.example.com/a",
		"HTTPS://Hooks.Example.COM:443/A?b=C":                "https://hooks.example.com/A?b=C",
		"http://hooks.example.com:80/":                       "http://hooks.example.com/",
		"https://hooks.example.com:8443/":                    "https://hooks.example.com:8443/",
		"https://hooks.example.com:08443/":                   "https://hooks.example.com:8443/",
		"https://hooks.example.com:/":                        "https://hooks.example.com/",
		"https://hooks.example.com:22/":                      "https://hooks.example.com:22/",
		"https://hooks.example.com./":                        "https://hooks.example.com/",
		"https://bücher.example/ü?q=ü":                       "https://xn--bcher-kva.example/%C3%BC?q=%C3%BC",
		"https://BÜCHER.example/":                            "https://xn--bcher-kva.example/",
		"https://βόλος.example/":                             "https://xn--nxasmm1c.example/",
		"https://ｈｏｏｋｓ.example.com/":                         "https://hooks.example.com/",
		"https://a_b.example.com/":                           "https://a_b.example.com/",
		"https://r3---x.example.com/":                        "https://r3---x.example.com/",
		"https://hooks.example.com/%2e%2e/%2f;x=1?a=%20&b=+": "https://hooks.example.com/%2e%2e/%2f;x=1?a=%20&b=+",
		"https://hooks.example.com?x":                        "https://hooks.example.com/?x",
		"https://8.8.8.8/":                                   "https://8.8.8.8/",
		"https://[2606:4700:4700:0::1111]:443/":              "https://[2606:4700:4700::1111]/",
	} {
		got, err := c.CheckURL(t.Context(), in, false)
		if err != nil || got.URL != want || got.Warning != "" {
			t.Errorf("%s: got %+v, %v; want %s", in, got, err, want)
			continue
		}
		if again, err := c.CheckURL(t.Context(), got.URL, false); err != nil || again != got {
			t.Errorf("%s changes when it is checked again: %+v, %v", in, again, err)
		}
	}
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := egress.New(egress.Options{Resolver: startDNS(t).resolver()})
	for in, part := range map[string]string{
		"": "Enter the URL", "ftp://a.example/": "https://", "hooks.example.com": "https://", "https://u:p@a.example/": "custom header", "https://a.example/#x": "#",
		"https://127.0.0.1/": "LATCHKEY_WEBHOOK_ALLOW_CIDRS", "https://localhost/": "LATCHKEY_WEBHOOK_ALLOW_CIDRS", "https://2130706433/": "decimal numbers",
		"https://a.example:0/": "1 to 65535", "https://a b.example/": "space", "http://a.example/": "Live endpoints need https://", "https://%61.example/": "escape", "https://[::ffff:1.2.3.4]/": "decimal numbers",
	} {
		_, err := c.CheckURL(t.Context(), in, true)
		if sentence := fault.FieldsOf(err)["url"]; !strings.Contains(sentence, part) {
			t.Errorf("%s: %q does not say %q", in, sentence, part)
		}
	}
}

func TestThisMachineIsReachableOnlyWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	open, closed := client(t, patience), egress.New(egress.Options{Allow: prefixes("10.0.0.0/8")})
	for _, u := range []string{"http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/", "https://a.localhost/"} {
		if _, err := open.CheckURL(t.Context(), u, true); err != nil {
			t.Errorf("%s: %v", u, err)
		}
		if _, err := closed.CheckURL(t.Context(), u, true); err == nil {
			t.Errorf("%s is accepted", u)
		}
	}
}

// FuzzCheckURL lets no accepted URL be read in two ways: what is saved is read back as the same URL,
// by net/url too, and an address in it is one that may be reached.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range hostileURLs("80") {
		f.Add(seed, true)
	}
	f.Add("https://bücher.example:8443/ü?q=ü", false)
	c := egress.New(egress.Options{Resolver: deaf})
	blocked := prefixes("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "172.16.0.0/12", "::/3", "fc00::/7", "fe80::/10", "2002::/16")
	f.Fuzz(func(t *testing.T, in string, live bool) {
		got, err := c.CheckURL(t.Context(), in, live)
		if err != nil {
			if fault.FieldsOf(err)["url"] == "" {
				t.Errorf("%q: %v", in, err)
			}
			return
		}
		if again, err := c.CheckURL(t.Context(), got.URL, live); err != nil || again != got {
			t.Errorf("%q: %+v is read again as %+v, %v", in, got, again, err)
		}
		u, err := url.Parse(got.URL)
		if err != nil || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (live || u.Scheme != "http") {
			t.Fatalf("%q: saved as %q, %v", in, got.URL, err)
		}
		for i := range len(got.URL) {
			if c := got.URL[i]; c <= ' ' || c >= 0x7f || c == '\\' {
				t.Errorf("%q: saved with byte %x", in, c)
			}
		}
		name := u.Hostname()
		if name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "" || strings.HasSuffix(name, ".") {
			t.Errorf("%q: host %q", in, name)
		}
		if addr, err := netip.ParseAddr(name); err == nil {
			for _, p := range blocked {
				if p.Contains(addr) {
					t.Errorf("%q: %s is accepted", in, addr)
				}
			}
		}
	})
}
