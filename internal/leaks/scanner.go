package leaks

import "fmt"

// Rules carry these ids in scanners' reports.
const (
	KeyRule    = "latchkey-api-key"
	SecretRule = "latchkey-shared-secret"
)

// ScannerRegex finds keys of a brand in any text, in the syntax that Go, gitleaks and GitHub share;
// its first group is the key. Nothing is asked of what stands before a key: in "\nsk_live_..." of a
// JSON text it is a letter.
func ScannerRegex(brand string) string {
	return `(` + brand + `_(?:live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]{49})(?:[^0-9A-Za-z]|$)`
}

// secretRegex finds shared secrets in any text.
const secretRegex = `(lks_[0-9A-Za-z]{43})(?:[^0-9A-Za-z]|$)`

// ScannerRule is a configuration of gitleaks with the rules for a brand's keys and for shared
// secrets, beside the rules that gitleaks has itself.
func ScannerRule(brand string) string {
	return fmt.Sprintf(`title = "Latchkey keys"

# Keeps the rules that gitleaks has itself. Remove it to look for Latchkey's keys only.
[extend]
useDefault = true

[[rules]]
id = "%s"
description = "API key of Latchkey: sends data into a workspace, or reads and manages it"
regex = '''%s'''
secretGroup = 1
entropy = 3.5
keywords = ["%s_live_", "%s_test_"]

[[rules]]
id = "%s"
description = "Shared secret of a Latchkey API key"
regex = '''%s'''
secretGroup = 1
entropy = 3.5
keywords = ["lks_"]
`, KeyRule, ScannerRegex(brand), brand, brand, SecretRule, secretRegex)
}
