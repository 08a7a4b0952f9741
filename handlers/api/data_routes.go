package api

import (
	"net/http"

	"latchkey/internal/access"
)

// dataRoutes are what a workspace holds: itself, what arrived, its templates, people and log.
func dataRoutes() []Route {
	const workspace = "/workspaces/:id"
	get := func(path, operation string, scope access.Scope, handler func(*call) error, query ...string) Route {
		return Route{Method: http.MethodGet, Path: path, Operation: operation, Scope: scope, Query: query, Handler: handler}
	}
	one := func(method, path, operation string, handler func(*call) error) Route {
		return Route{Method: method, Path: path, Operation: operation, Scope: access.TemplatesWrite, Handler: handler}
	}
	return []Route{
		get("/workspaces/me", "getWorkspace", access.WorkspaceRead, getWorkspace),
		get(workspace+"/signals", "listSignals", access.SignalsRead, listSignals,
			"environment", "kind", "event", "email", "source", "api_key_id", "request_id", "q", "from", "to", "limit", "cursor"),
		get(workspace+"/signals/:signalId", "getSignal", access.SignalsRead, getSignal),
		get(workspace+"/product-orgs", "listProductOrgs", access.OrgsRead, listOrgs,
			"environment", "q", "plan", "trial_status", "sort", "order", "limit", "cursor"),
		get(workspace+"/product-orgs/:orgId", "getProductOrg", access.OrgsRead, getOrg),
		get(workspace+"/product-orgs/:orgId/updates", "listProductOrgUpdates", access.OrgsRead, listOrgUpdates, "limit", "cursor"),
		get(workspace+"/requests", "listRequests", access.RequestsRead, listRequests,
			"environment", "status", "code", "event", "email", "source", "api_key_id", "q", "from", "to", "limit", "cursor"),
		get(workspace+"/requests/:requestId", "getRequest", access.RequestsRead, getRequest),
		get(workspace+"/uploads", "listUploads", access.RequestsRead, listUploads, "environment", "status", "api_key_id", "limit", "cursor"),
		get(workspace+"/uploads/:uploadId", "getUpload", access.RequestsRead, getUpload),
		get(workspace+"/templates", "listTemplates", access.TemplatesRead, listTemplates, "limit", "cursor"),
		one(http.MethodPost, workspace+"/templates", "createTemplate", createTemplate),
		get(workspace+"/templates/:templateId", "getTemplate", access.TemplatesRead, getTemplate),
		one(http.MethodPatch, workspace+"/templates/:templateId", "updateTemplate", updateTemplate),
		one(http.MethodDelete, workspace+"/templates/:templateId", "deleteTemplate", deleteTemplate),
		get(workspace+"/templates/:templateId/versions", "listTemplateVersions", access.TemplatesRead, listTemplateVersions, "limit", "cursor"),
		get(workspace+"/members", "listMembers", access.MembersRead, listMembers, "limit", "cursor"),
		get(workspace+"/audit", "listAuditEntries", access.AuditRead, listAudit,
			"actor", "action", "target", "target_id", "from", "to", "limit", "cursor"),
		get(workspace+"/usage", "getUsage", access.AnalyticsRead, getUsage, "api_key_id", "environment", "step", "from", "to"),
	}
}
