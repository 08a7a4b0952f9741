package guard

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "latchkey"

// may lists what each package may import of this module. Arrows point down: a package that is not
// listed, or an import that is not, fails. Tests may import anything.
var may = map[string][]string{
	"":                     {"client", "handlers", "internal/...", "models"},
	"handlers":             {"handlers/api", "handlers/console", "handlers/gateway", "internal/app", "openapi", "static"},
	"handlers/api":         {"internal/deliveries", "internal/dispatch", "internal/endpoints", "internal/listen", "internal/outbox", "internal/access", "internal/accounts", "internal/audit", "internal/database", "internal/fault", "internal/idempotency", "internal/keys", "internal/leaks", "internal/mapping", "internal/orgs", "internal/ratelimit", "internal/signals", "internal/templates", "internal/token", "internal/usage", "models", "openapi"},
	"openapi":              {},
	"client":               {},
	"handlers/console":     {"internal/deliveries", "internal/dispatch", "internal/endpoints", "internal/outbox", "internal/signing", "internal/access", "internal/accounts", "internal/audit", "internal/fault", "internal/hygiene", "internal/ingest", "internal/keys", "internal/leaks", "internal/mapping", "internal/notices", "internal/orgs", "internal/payload", "internal/secretbox", "internal/signals", "internal/source", "internal/templates", "internal/token", "models", "openapi", "static", "views", "views/ui"},
	"handlers/gateway":     {"internal/ingest"},
	"views":                {"static", "views/ui"},
	"views/ui":             {},
	"static":               {},
	"internal/app":         {"internal/deliveries", "internal/dispatch", "internal/egress", "internal/endpoints", "internal/listen", "internal/outbox", "internal/accounts", "internal/audit", "internal/database", "internal/hygiene", "internal/idempotency", "internal/ingest", "internal/keys", "internal/leaks", "internal/notices", "internal/orgs", "internal/ratelimit", "internal/secretbox", "internal/signals", "internal/templates", "internal/usage"},
	"internal/seed":        {"internal/deliveries", "internal/dispatch", "internal/egress", "internal/endpoints", "internal/notices", "internal/outbox", "internal/secretbox", "internal/access", "internal/accounts", "internal/app", "internal/audit", "internal/database", "internal/fault", "internal/hygiene", "internal/ingest", "internal/keys", "internal/leaks", "internal/mapping", "internal/source", "internal/templates", "internal/token", "models"},
	"internal/ingest":      {"internal/outbox", "internal/access", "internal/audit", "internal/database", "internal/fault", "internal/keys", "internal/mapping", "internal/orgs", "internal/payload", "internal/ratelimit", "internal/secretbox", "internal/source", "internal/templates", "internal/token", "internal/usage", "models"},
	"internal/keys":        {"internal/outbox", "internal/access", "internal/audit", "internal/database", "internal/fault", "internal/mapping", "internal/templates", "internal/token", "models"},
	"internal/accounts":    {"internal/access", "internal/audit", "internal/database", "internal/fault", "models"},
	"internal/signals":     {"internal/access", "internal/audit", "internal/database", "internal/fault", "models"},
	"internal/audit":       {"internal/access", "internal/database", "internal/fault", "models"},
	"internal/usage":       {"internal/database", "internal/keys", "internal/token", "models"},
	"internal/ratelimit":   {"internal/database", "models"},
	"internal/notices":     {"internal/access", "internal/audit", "internal/database", "internal/fault", "models"},
	"internal/hygiene":     {"internal/outbox", "internal/access", "internal/audit", "internal/database", "internal/fault", "internal/keys", "internal/notices", "models"},
	"internal/leaks":       {"internal/outbox", "internal/access", "internal/audit", "internal/database", "internal/fault", "internal/keys", "internal/notices", "internal/token", "models"},
	"internal/idempotency": {"internal/database", "models"},
	"internal/database":    {"migrations"},
	"internal/config":      {"internal/secretbox", "internal/token"},
	"internal/outbox":      {"internal/database", "internal/fault", "models"},
	"internal/signing":     {},
	"internal/egress":      {"internal/fault"},
	"internal/endpoints":   {"internal/access", "internal/audit", "internal/database", "internal/egress", "internal/fault", "internal/keys", "internal/notices", "internal/outbox", "internal/secretbox", "internal/signing", "models"},
	"internal/deliveries":  {"internal/access", "internal/audit", "internal/database", "internal/fault", "internal/outbox", "models"},
	"internal/dispatch":    {"internal/access", "internal/audit", "internal/database", "internal/egress", "internal/endpoints", "internal/fault", "internal/notices", "internal/outbox", "internal/signing", "models"},
	"internal/listen":      {"internal/access", "internal/database", "internal/fault", "internal/keys", "internal/outbox", "models"},
	"internal/access":      {"internal/fault"},
	"internal/fault":       {},
	"internal/payload":     {},
	"internal/secretbox":   {},
	"internal/templates":   {"internal/access", "internal/audit", "internal/database", "internal/fault", "internal/mapping", "models"},
	"internal/orgs":        {"internal/access", "internal/audit", "internal/database", "internal/fault", "internal/mapping", "models"},
	"internal/mapping":     {"internal/payload"},
	"internal/source":      {"internal/payload"},
	"internal/token":       {},
	"internal/upload":      {},
	"internal/guard":       {},
	"internal/apptest":     {"handlers", "internal/...", "models", "openapi"},
	"models":               {},
	"migrations":           {},
	"bench":                {"bench/internal/fill", "bench/traced", "internal/database"},
	"bench/fill":           {"bench/internal/fill", "internal/database"},
	"bench/traced":         {},
	"bench/internal/fill":  {"internal/database", "internal/token"},
}

// onlyBelow keeps libraries where they belong.
var onlyBelow = map[string][]string{
	"github.com/labstack/echo":     {"handlers", "bench"},
	"go.yaml.in/yaml":              {"openapi"},
	"gorm.io/":                     {"internal", "models"},
	"github.com/a-h/templ":         {"views", "handlers/console"},
	"github.com/jackc/pgx":         {"internal/database", "internal/ingest", "internal/keys", "internal/ratelimit", "internal/outbox", "internal/dispatch", "internal/listen", "internal/usage", "internal/apptest", "bench"},
	"github.com/gorilla/":          {"internal/accounts", "handlers/console"},
	"github.com/alecthomas/kong":   {""},
	"github.com/schollz":           {""},
	"code.dny.dev/ssrf":            {"internal/egress"},
	"github.com/standard-webhooks": {}, // the peer of tests
}

func TestImportsFollowTheLayers(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "tools" || name != ".." && strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		check(t, root, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, root, file string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	rel, err := filepath.Rel(root, filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	pkg := strings.TrimPrefix(filepath.ToSlash(rel), ".")
	allowed, listed := may[pkg]
	if !listed {
		t.Errorf("package %q is not in the table of layers", pkg)
		return
	}
	for _, spec := range parsed.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		if own, ok := strings.CutPrefix(imported, module+"/"); ok && !permits(allowed, own) {
			t.Errorf("%s imports %s: the layers do not allow it", file, own)
		}
		for library, places := range onlyBelow {
			if strings.HasPrefix(imported, library) && !below(places, pkg) {
				t.Errorf("%s imports %s, which stays below %v", file, imported, places)
			}
		}
	}
}

func permits(allowed []string, imported string) bool {
	for _, a := range allowed {
		if a == imported || strings.HasSuffix(a, "/...") && strings.HasPrefix(imported, strings.TrimSuffix(a, "...")) {
			return true
		}
	}
	return false
}

func below(places []string, pkg string) bool {
	for _, p := range places {
		if pkg == p || p != "" && strings.HasPrefix(pkg, path.Clean(p)+"/") {
			return true
		}
	}
	return false
}
