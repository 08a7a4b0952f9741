package console_test

import (
	"net/http"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

// TestNoAddressIsTooStrange for an answer below 500, on either database: Postgres compares no text
// with U+0000 or with what is no UTF-8, and its integers end at 2^31.
func TestNoAddressIsTooStrange(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := everything(t, a, "Billing")
		b := member(t, a, access.Admin)
		for _, page := range []string{orgList, orgList + "/export.csv", "/w/acme/signals", "/w/acme/requests", "/w/acme/settings/api-keys", "/w/acme/audit"} {
			for _, query := range []string{"?q=%00", "?plan=a%00b", "?trial=%ff", "?col=%00", "?%00=1"} {
				b.Get(page + query).Want(http.StatusUnprocessableEntity)
			}
		}
		versions := "/w/acme/settings/api-keys/" + k.Key.ID + "/template/versions/"
		for _, page := range []string{"/w/ac%00me", orgList + "/%00", versions + "99999999999", versions + "1?with=99999999999"} {
			b.Get(page).Want(http.StatusNotFound)
		}
	})
}
