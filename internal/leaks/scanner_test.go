package leaks_test

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/leaks"
	"latchkey/internal/token"
)

func generate(t *testing.T, brand, env string) string {
	t.Helper()
	key, err := token.Generate(rand.Reader, brand, env)
	if err != nil {
		t.Fatal(err)
	}
	return key.Plaintext().Reveal()
}

// rule is one rule of the file, as a scanner reads it.
type rule struct {
	regex    *regexp.Regexp
	keywords []string
}

var (
	ruleShape    = regexp.MustCompile(`(?s)\[\[rules\]\]\nid = "([a-z-]+)"\ndescription = "[^"]+"\nregex = '''(.+?)'''\nsecretGroup = 1\nentropy = 3\.5\nkeywords = \[([^\]]+)\]\n`)
	keywordShape = regexp.MustCompile(`"([^"]+)"`)
)

func rules(t *testing.T, brand string) map[string]rule {
	t.Helper()
	found := map[string]rule{}
	for _, m := range ruleShape.FindAllStringSubmatch(leaks.ScannerRule(brand), -1) {
		r := rule{regex: regexp.MustCompile(m[2])}
		for _, k := range keywordShape.FindAllStringSubmatch(m[3], -1) {
			r.keywords = append(r.keywords, k[1])
		}
		found[m[1]] = r
	}
	if len(found) != 2 {
		t.Fatalf("rules %v in\n%s", found, leaks.ScannerRule(brand))
	}
	return found
}

// finds is what a scanner does: no look without a keyword, then the first group.
func (r rule) finds(text string) string {
	for _, keyword := range r.keywords {
		if strings.Contains(strings.ToLower(text), keyword) {
			if m := r.regex.FindStringSubmatch(text); m != nil {
				return m[1]
			}
		}
	}
	return ""
}

func TestTheScannerRuleFindsThisInstancesKeysWhereverTheyStand(t *testing.T) {
	for _, brand := range []string{"sk", "sgn", "tm"} {
		r := rules(t, brand)[leaks.KeyRule]
		for range 50 {
			for _, env := range []string{"live", "test"} {
				key := generate(t, brand, env)
				for _, text := range []string{
					key, "KEY=" + key, `{"key":"` + key + `"}`, `"a\n` + key + `\n"`, "Authorization: Bearer " + key + "\r\n",
					"https://x.example/api/signal-staging/webhook/" + key + "?a=1", "prod_" + key, key + "\n" + key,
				} {
					if got := r.finds(text); got != key {
						t.Fatalf("in %q it finds %q", text, got)
					}
				}
			}
		}
	}
}

func TestTheScannerRuleFindsSharedSecrets(t *testing.T) {
	secret, err := token.GenerateShared(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got := rules(t, "sk")[leaks.SecretRule].finds("secret: " + secret.Reveal() + ","); got != secret.Reveal() {
		t.Errorf("it finds %q", got)
	}
}

func TestTheScannerRuleLeavesOthersKeysAlone(t *testing.T) {
	r := rules(t, "sk")[leaks.KeyRule]
	letters := strings.Repeat("4eC39HqLyjWDarjtT1zdp7dc", 5)
	ours := generate(t, "sk", "live")
	for _, text := range []string{
		"sk_live_" + letters[:24], "sk_test_" + letters[:24], "sk_live_51" + letters[:97], "sk_test_51" + letters[:97], // Stripe
		"rk_live_" + letters[:24], "whsec_" + letters[:32], "lks_" + letters[:43],
		generate(t, "tm", "live"), ours[:len(ours)-1], ours + "x", "sk_live_a2f9", "sk_live_a2f9_••••",
	} {
		if got := r.finds(text); got != "" {
			t.Errorf("in %q it finds %q", text, got)
		}
	}
}
