package guard

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/models"
)

// tables are all models; a new one belongs here.
var tables = []any{
	models.Account{}, models.Workspace{}, models.Membership{}, models.Invitation{}, models.Session{}, models.SetupToken{},
	models.SignInThrottle{}, models.APIKey{}, models.KeyUsageMinute{}, models.KeyLastUsed{}, models.Signal{}, models.SignalDedup{},
	models.GatewayRequest{}, models.AuditEntry{}, models.Template{}, models.TemplateVersion{}, models.ProductOrg{}, models.ProductOrgUpdate{}, models.OrgReplay{},
	models.RetiredKeyValue{}, models.KeyState{}, models.KeyScopeUse{}, models.Notice{}, models.APIIdempotency{}, models.RateSlot{},
	models.Endpoint{}, models.EndpointState{}, models.EndpointMinute{}, models.Message{}, models.Delivery{}, models.DeliveryAttempt{}, models.DeliveryReplay{},
	models.OutboxState{}, models.Listener{}, models.Upload{},
}

func TestTheSchemaEqualsTheModels(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		known := map[string]bool{"goose_db_version": true, "sqlite_sequence": true}
		for _, model := range tables {
			s, err := schema.Parse(model, &sync.Map{}, schema.NamingStrategy{})
			if err != nil {
				t.Fatal(err)
			}
			known[s.Table] = true
			want, got := map[string]bool{}, map[string]bool{}
			for _, name := range s.DBNames {
				want[name] = true
			}
			columns, err := db.Write.Migrator().ColumnTypes(model)
			if err != nil {
				t.Fatalf("%s: %v", s.Table, err)
			}
			for _, c := range columns {
				got[c.Name()] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("table %s (-model +schema):\n%s", s.Table, diff)
			}
		}
		names, err := db.Write.Migrator().GetTables()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !known[name] && !isPart(t, db, name) {
				t.Errorf("table %s has no model", name)
			}
		}
	})
}

// isPart tells a part of a partitioned table, which has the columns of that.
func isPart(t *testing.T, db *database.DB, table string) bool {
	t.Helper()
	if !db.IsPostgres() {
		return false
	}
	var part bool
	if err := db.Write.Raw("SELECT relispartition FROM pg_class WHERE oid = ?::regclass", table).Scan(&part).Error; err != nil {
		t.Fatal(err)
	}
	return part
}
