package gateway

import (
	"latchkey/internal/ingest"
)

// route is a line of the table. Every route authenticates by the key itself: in the path, or in
// Authorization: Bearer or X-Api-Key.
type route struct {
	path string
	kind ingest.Kind
}

// routes are those of the HTTP contract, section 2. In a path of two parts the second may be the
// word batch, or the first a source; slots tells them apart.
var routes = []route{
	{"/api/signal-staging/webhook", ingest.Universal},
	{"/api/signal-staging/webhook/:first", ingest.Universal},
	{"/api/signal-staging/webhook/:first/:second", ingest.Universal},
	{"/api/signal-staging/webhook/:first/:second/batch", ingest.Batch},
	{"/api/signal-staging/bulk", ingest.Bulk},
	{"/api/signal-staging/bulk/:first", ingest.Bulk},
	{"/api/product-orgs/webhook", ingest.ProductOrgs},
	{"/api/product-orgs/webhook/:first", ingest.ProductOrgs},
	{"/api/product-orgs/webhook/:first/batch", ingest.ProductOrgsBatch},
}
