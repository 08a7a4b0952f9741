package guard

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var libcVersion = regexp.MustCompile(`modernc\.org/libc (v\S+)`)

// TestLibcIsTheOneThatSQLiteWasBuiltFor holds a pin that go mod tidy does not: the translated
// SQLite works with exactly the libc of its own go.mod.
func TestLibcIsTheOneThatSQLiteWasBuiltFor(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want, got := libcVersion.FindSubmatch(theirs), libcVersion.FindSubmatch(ours)
	if want == nil || got == nil || string(want[1]) != string(got[1]) {
		t.Errorf("modernc.org/libc is %q; modernc.org/sqlite wants %q", got, want)
	}
}
