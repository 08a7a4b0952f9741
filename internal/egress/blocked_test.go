package egress_test

import (
	"slices"
	"strings"
	"testing"

	"latchkey/internal/egress"
	"latchkey/internal/fault"
)

// never are hosts that must not be reached; PORT is the canary's.
var never = []string{
	// this machine, plainly and in every spelling
	"127.0.0.1:PORT", "127.0.0.2:PORT", "127.255.255.254:PORT", "0.0.0.0:PORT", "0:PORT", "0.0.0.1:PORT",
	"2130706433:PORT", "0x7f000001:PORT", "0X7F000001:PORT", "017700000001:PORT", "0177.0.0.1:PORT", "0x7f.0.0.1:PORT",
	"0x7f.1:PORT", "127.1:PORT", "127.0.1:PORT", "127.000.000.001:PORT", "127.0.0.1.:PORT", "127.0.0.01:PORT", "0x:PORT",
	"127.0.0.1.2:PORT", "256.0.0.1:PORT", "4294967297:PORT", "1.2.3.4.0x7f:PORT",
	"localhost:PORT", "LocalHost:PORT", "localhost.:PORT", "foo.localhost:PORT", "foo.localhost.:PORT",
	"[::1]:PORT", "[::]:PORT", "[0:0:0:0:0:0:0:1]:PORT", "[::ffff:127.0.0.1]:PORT", "[::ffff:7f00:1]:PORT", "[0:0:0:0:0:ffff:7f00:1]:PORT",
	"[::127.0.0.1]:PORT", "[::7f00:1]:PORT", "[::1%25lo]:PORT", "[::1%lo]:PORT", "[fe80::1%25eth0]:PORT",
	// gateways to IPv4
	"[64:ff9b::7f00:1]:PORT", "[64:ff9b::127.0.0.1]:PORT", "[64:ff9b:1::7f00:1]:PORT", "[2002:7f00:1::]:PORT", "[2002:7f00:1::1]:PORT",
	"[2001:0:7f00:1::]:PORT", "[2001::80ff:fffe]:PORT",
	// private, shared, link-local, special
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1",
	"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
	"[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]", "[5f00::1]", "[::2]",
	// metadata of clouds
	"169.254.169.254", "169.254.170.2", "169.254.169.254:80", "100.100.100.200", "168.63.129.16", "2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "[fd20:ce::254]",
	"metadata.google.internal", "metadata", "instance-data", "aws.metadata.example", "both.example", "loop.example:PORT", "loop6.example:PORT", "mapped.example:PORT",
	"nat64.example:PORT", "sixtofour.example:PORT", "loop.example.:PORT", "LOOP.example:PORT",
	// digits and dots that are none in ASCII, escapes
	"１２７.0.0.1:PORT", "127。0。0。1:PORT", "127．0．0．1:PORT", "①②⑦.0.0.1:PORT", "１２７．０．０．１:PORT", "ⓛocalhost:PORT", "ｌｏｃａｌｈｏｓｔ:PORT", "localhost。:PORT",
	"%31%32%37.0.0.1:PORT", "127%2e0%2e0%2e1:PORT", "%6cocalhost:PORT", "127.0.0.1%00:PORT", "127.0.0.1%2f@example.com:PORT", "loc\u00adalhost:PORT",
	// two readings
	"user@127.0.0.1:PORT", "user:pass@127.0.0.1:PORT", "@127.0.0.1:PORT", "example.com@127.0.0.1:PORT", "example.com:80@127.0.0.1:PORT", "127.0.0.1:PORT#@public.example",
	"127.0.0.1:PORT\\@public.example", "public.example\\@127.0.0.1:PORT", "public.example#@127.0.0.1:PORT", "127.0.0.1:PORT\t", "127.0.0.1\n:PORT", " 127.0.0.1:PORT", "127.0.0.1 :PORT",
	"127.0.0.1:PORT:80", "::1:PORT", "::1", "[::1", "::1]", "[127.0.0.1]:PORT", "[localhost]:PORT", "127.0.0.1:+PORT", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http",
	// not a host
	"", ":PORT", ".", "..", ".example.com", "a..b", "-a.example", "a-.example", "exa mple.com", "exa\x00mple.com", "ex<>ample.com", "a\u202eb.example",
	strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "example", strings.Repeat("a", 5000) + ".example",
}

// notURLs are whole texts.
var notURLs = []string{
	"", " ", "127.0.0.1:PORT", "//127.0.0.1:PORT/", "http:127.0.0.1:PORT", "http:/127.0.0.1:PORT", "http:///127.0.0.1:PORT", "http:\\\\127.0.0.1:PORT", "https:",
	"ftp://127.0.0.1:PORT/", "file:///etc/passwd", "gopher://127.0.0.1:PORT/_x", "unix:///var/run/docker.sock", "javascript:alert(1)", "data:text/plain,x", "ws://127.0.0.1:PORT/",
	"httpx://127.0.0.1:PORT", "ht tp://127.0.0.1:PORT", "http+unix://127.0.0.1:PORT", "https://public.example/" + strings.Repeat("x", 3000), "https://public.example/#part", "https://public.example/#",
	"https://public.example/a b", "https://public.example/\r\nX-Evil: 1", "https://public.example/%", "://127.0.0.1:PORT",
}

func hostile(t *testing.T, dns *names) {
	t.Helper()
	dns.set("public.example", "8.8.8.8")
	dns.set("metadata.google.internal", "169.254.169.254")
	dns.set("metadata", "169.254.169.254")
	dns.set("instance-data", "169.254.169.254")
	dns.set("aws.metadata.example", "fd00:ec2::254")
	dns.set("both.example", "10.0.0.1", "fc00::1")
	dns.set("loop.example", "127.0.0.1")
	dns.set("loop6.example", "::1")
	dns.set("mapped.example", "::ffff:127.0.0.1")
	dns.set("nat64.example", "64:ff9b::7f00:1")
	dns.set("sixtofour.example", "2002:7f00:1::")
}

func hostileURLs(port string) []string {
	urls := slices.Clone(notURLs)
	for _, host := range never {
		urls = append(urls, "http://"+host+"/hook", "https://"+host+"/hook")
	}
	for i, u := range urls {
		urls[i] = strings.ReplaceAll(u, "PORT", port)
	}
	return urls
}

func TestNoHostileAddressIsAcceptedOrConnectedTo(t *testing.T) {
	t.Parallel()
	dns, bird := startDNS(t), startCanary(t)
	hostile(t, dns)
	c := egress.New(egress.Options{Resolver: dns.resolver(), Timeout: patience})
	t.Cleanup(c.Close)
	for _, url := range hostileURLs(bird.port) {
		for _, live := range []bool{true, false} {
			checked, err := c.CheckURL(t.Context(), url, live)
			if err == nil {
				t.Errorf("CheckURL(%q, live %v) accepts it as %q", url, live, checked.URL)
			} else if fault.FieldsOf(err)["url"] == "" {
				t.Errorf("CheckURL(%q): no sentence for the field: %v", url, err)
			}
			r := c.Post(t.Context(), egress.Request{URL: url, Live: live, Body: []byte("{}")})
			if want := []egress.Code{egress.BlockedAddress, egress.InvalidURL, egress.InsecureURL}; !slices.Contains(want, r.Error) || r.Status != 0 {
				t.Errorf("Post(%q, live %v) = %d %q (%s; %v)", url, live, r.Status, r.Error, r.Detail, r.Cause)
			}
		}
	}
	bird.sings(t)
}

func TestANameThatRebindsIsRefusedWhenItIsDialled(t *testing.T) {
	t.Parallel()
	dns, bird := startDNS(t), startCanary(t)
	c := egress.New(egress.Options{Resolver: dns.resolver(), Timeout: patience})
	t.Cleanup(c.Close)
	for _, to := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "169.254.169.254", "0.0.0.0", "168.63.129.16"} {
		for _, scheme := range []string{"http", "https"} {
			dns.set("rebind.example", "8.8.8.8")
			checked, err := c.CheckURL(t.Context(), scheme+"://rebind.example:"+bird.port+"/", false)
			if err != nil {
				t.Fatal(err)
			}
			dns.set("rebind.example", to)
			wants(t, post(t, c, checked.URL), egress.BlockedAddress)
		}
	}
	bird.sings(t)
}

func TestPlainHTTPOfALiveEndpointOnlyReachesAllowedNetworks(t *testing.T) {
	t.Parallel()
	dns, bird := startDNS(t), startCanary(t)
	dns.set("public.example", "8.8.8.8")
	dns.set("mixed.example", "8.8.8.8", "127.0.0.1")
	dns.set("inside.example", "127.0.0.1")
	c := client(t, patience, func(o *egress.Options) { o.Resolver = dns.resolver() })
	for url, ok := range map[string]bool{
		"http://public.example/": false, "http://mixed.example/": false, "http://unknown.example/": false, "http://8.8.8.8/": false,
		"http://inside.example/": true, "http://127.0.0.1/": true, "http://[::1]/": true, "http://localhost/": true,
		"https://public.example/": true, "https://mixed.example/": true, "https://unknown.example/": true,
	} {
		if _, err := c.CheckURL(t.Context(), url, true); (err == nil) != ok {
			t.Errorf("CheckURL(%q) = %v", url, err)
		}
	}
	dns.set("inside.example", "8.8.8.8") // it moved since it was saved
	r := c.Post(t.Context(), egress.Request{URL: "http://inside.example/", Live: true})
	wants(t, r, egress.InsecureURL)
	bird.sings(t)
}

func TestOneBlockedAddressAmongSeveralRefusesTheName(t *testing.T) {
	t.Parallel()
	dns := startDNS(t)
	dns.set("mixed.example", "8.8.8.8", "10.0.0.1")
	c := egress.New(egress.Options{Resolver: dns.resolver()})
	if _, err := c.CheckURL(t.Context(), "https://mixed.example/", true); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestWhatAGatewayCarriesIsJudgedEvenWhereTheGatewayIsAllowed(t *testing.T) {
	t.Parallel()
	c := egress.New(egress.Options{Allow: prefixes("64:ff9b::/96", "2002::/16", "2001::/32", "::ffff:10.1.0.0/112")})
	for url, ok := range map[string]bool{
		"https://[64:ff9b::808:808]/": true, "https://[64:ff9b::7f00:1]/": false, "https://[64:ff9b::a9fe:a9fe]/": false,
		"https://[2002:808:808::1]/": true, "https://[2002:a00:1::1]/": false, "https://[2001:0:1::80ff:fffe]/": false,
		"https://10.1.0.9/": true, "https://10.2.0.9/": false, "https://[64:ff9b::10.1.0.9]/": true,
	} {
		if _, err := c.CheckURL(t.Context(), url, true); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}
