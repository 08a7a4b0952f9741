package console

import (
	"net/http"
	"net/url"

	"latchkey/internal/access"
	"latchkey/internal/endpoints"
	"latchkey/views/ui"
)

func (s *server) endpointRoutes() []Route {
	const list, one = "/w/:slug/" + endpointsPath, "/w/:slug/" + endpointsPath + "/:id"
	may := In(access.ManageEndpoints)
	return []Route{
		{GET, list, may, s.listEndpoints},
		{GET, list + "/new", may, s.newEndpoint},
		{POST, list, may, s.createEndpoint},
		{GET, one, may, s.showEndpoint},
		{GET, one + "/edit", may, s.editEndpoint},
		{POST, one + "/edit", may, s.changeEndpoint},
		{GET, one + "/secret", may, s.backToSecret},
		{POST, one + "/secret", may, s.revealSecret},
		{GET, one + "/rotation", may, s.confirmSecretRotation},
		{POST, one + "/rotation", may, s.rotateSecret},
		{GET, one + "/rotation/end", may, s.confirmSecretEnd},
		{POST, one + "/rotation/end", may, s.endSecret},
		{GET, one + "/status", may, s.confirmEndpointStatus},
		{POST, one + "/status", may, s.changeEndpointStatus},
		{GET, one + "/deletion", may, s.confirmEndpointDeletion},
		{POST, one + "/deletion", may, s.deleteEndpoint},
	}
}

func (s *server) listEndpoints(c Ctx) error {
	q := endpointQueryOf(c)
	found, err := s.Endpoints.List(c.Request().Context(), visit(c).Actor, q.filter())
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, s.endpointsPage(c, q, found), nil)
}

// endpointStatuses are the tabs of the list.
var endpointStatuses = []struct{ Value, Label string }{{"", "All"}, {"failing", "Failing"}, {"disabled", "Disabled"}}

// endpointQuery is what the list's URL says.
type endpointQuery struct{ Env, Status, Search, Before string }

func endpointQueryOf(c Ctx) endpointQuery {
	return endpointQuery{Env: visit(c).Env, Status: c.QueryParam("status"), Search: c.QueryParam("q"), Before: c.QueryParam("before")}
}

func (q endpointQuery) filter() endpoints.Filter {
	return endpoints.Filter{Environment: q.Env, Status: q.Status, Q: q.Search, Before: q.Before}
}

// narrowed tells that filters are set beside the environment.
func (q endpointQuery) narrowed() bool { return q.Status != "" || q.Search != "" }

// with is the same list in another state, from its beginning.
func (q endpointQuery) with(status string) endpointQuery {
	q.Status, q.Before = status, ""
	return q
}

func (q endpointQuery) before(id string) endpointQuery {
	q.Before = id
	return q
}

func (q endpointQuery) href(v *visitor) string {
	values := url.Values{}
	if q.Env == testEnv {
		values.Set("env", testEnv)
	}
	for name, value := range map[string]string{"status": q.Status, "q": q.Search, "before": q.Before} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return withQuery(v.path(endpointsPath), values)
}

func (q endpointQuery) hidden() []ui.HiddenField {
	var fields []ui.HiddenField
	if q.Env == testEnv {
		fields = append(fields, ui.HiddenField{Name: "env", Value: testEnv})
	}
	if q.Status != "" {
		fields = append(fields, ui.HiddenField{Name: "status", Value: q.Status})
	}
	return fields
}
