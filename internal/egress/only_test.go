package egress_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dials are what opens connections in the standard library.
var dials = []string{
	"http.Get", "http.Head", "http.Post", "http.PostForm", "http.DefaultClient", "http.DefaultTransport", "http.Client", "http.Transport",
	"net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialUDP", "net.Dialer", "tls.Dial", "tls.DialWithDialer", "tls.Dialer", "smtp.Dial", "smtp.SendMail", "rpc.Dial", "exec.Command", "exec.CommandContext",
}

// commandLine talks to the server that its user names, as the client package does. No package of the
// server may import it.
const commandLine = "internal/upload"

// The product's server is everything below internal, handlers, models and views, but for commandLine.
func TestNothingElseOfTheServerOpensConnections(t *testing.T) {
	if len(uses(t, "client.go")) == 0 {
		t.Fatal("the search finds not even the dialer of this package")
	}
	root := filepath.Join("..", "..")
	for _, dir := range []string{"internal", "handlers", "models", "views", "openapi"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			rel, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			if rel = filepath.ToSlash(rel); strings.HasPrefix(rel, "internal/egress/") || strings.HasPrefix(rel, "internal/apptest/") || strings.HasPrefix(rel, commandLine+"/") {
				return nil
			}
			if imports(t, file, "latchkey/"+commandLine) {
				t.Errorf("%s imports %s, which is the command line's", rel, commandLine)
			}
			for _, use := range uses(t, file) {
				t.Errorf("%s uses %s: requests leave through internal/egress", rel, use)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func imports(t *testing.T, file, path string) bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(parsed.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"`+path+`"` })
}

func uses(t *testing.T, file string) (found []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := s.X.(*ast.Ident); ok && slices.Contains(dials, pkg.Name+"."+s.Sel.Name) {
				found = append(found, pkg.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}
