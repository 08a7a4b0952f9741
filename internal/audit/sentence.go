package audit

import "strings"

// phrases say an action in words; "%" stands for the target's label. What is missing here is read
// off the action's own name.
var phrases = map[string]string{
	"instance.set_up":             "set up this instance",
	"workspace.created":           "created the workspace %",
	"workspace.settings_changed":  "changed the settings of %",
	"workspace.plan_changed":      "changed the plan of %",
	"member.role_changed":         "changed the role of %",
	"member.removed":              "removed % from the workspace",
	"member.left":                 "left the workspace",
	"member.joined":               "joined the workspace",
	"invitation.created":          "created an invitation for %",
	"invitation.revoked":          "revoked the invitation for %",
	"account.name_changed":        "changed their name",
	"account.password_changed":    "changed their password",
	"account.password_reset":      "set a new password for %",
	"account.preferences_changed": "changed their preferences",
	"session.created":             "signed in",
	"session.ended":               "signed out",
	"api_key.created":             "created the API key %",
	"api_key.renamed":             "renamed the API key %",
	"api_key.expiry_changed":      "changed the expiry of the API key %",
	"api_key.deactivated":         "deactivated the API key %",
	"api_key.handed_over":         "took over the API keys of %",
	"api_key.taken_over":          "took over the API key %",
	"api_key.template_changed":    "changed the payload template of the API key %",
	"api_key.on_error_changed":    "changed what the API key % does with payloads that do not map",
	"api_key.signature_changed":   "changed the source signature of the API key %",
	"api_key.test_sent":           "sent a test event with the API key %",
	"api_key.imported":            "imported the API key %",
	"api_key.changed":             "changed the API key %",
	"api_key.scopes_changed":      "changed the scopes of the API key %",
	"api_key.rotated":             "rotated the API key %",
	"api_key.rotation_extended":   "let the old value of the API key % work longer",
	"api_key.rotation_finished":   "ended the old value of the API key %",
	"api_key.expiring":            "gave notice that the API key % expires soon",
	"api_key.expired":             "gave notice that the API key % has expired",
	"api_key.leaked":              "took a report that the API key % has leaked",
	"notice.dismissed":            "dismissed a notice about %",
	"template.created":            "created the template %",
	"template.changed":            "changed the template %",
	"template.saved":              "saved a new version of the template %",
	"template.restored":           "restored an earlier version of the template %",
	"template.named":              "renamed the template %",
	"template.deleted":            "deleted the template %",
	"product_orgs.exported":       "exported product orgs",
	"product_orgs.replayed":       "replayed updates of product orgs received with %",
	"product_orgs.replay_stopped": "stopped a replay of updates received with %",

	"endpoint.created":               "created the endpoint %",
	"endpoint.updated":               "changed the endpoint %",
	"endpoint.enabled":               "enabled the endpoint %",
	"endpoint.disabled":              "disabled the endpoint %",
	"endpoint.deleted":               "deleted the endpoint %",
	"endpoint.tested":                "sent a test event to the endpoint %",
	"endpoint.secret_revealed":       "looked at the signing secret of the endpoint %",
	"endpoint.secret_rotated":        "rotated the signing secret of the endpoint %",
	"endpoint.previous_secret_ended": "ended the previous signing secret of the endpoint %",
	"delivery.retried":               "sent again %",
	"replay.started":                 "started to send again to the endpoint %",
	"replay.stopped":                 "stopped sending again to the endpoint %",
}

// Sentence says what an entry's actor did, without the actor: "deactivated the API key Production".
func Sentence(e Entry) string {
	label := e.TargetLabel
	if label == "" {
		label = e.TargetID
	}
	if phrase, ok := phrases[e.Action]; ok {
		return strings.Replace(phrase, "%", label, 1)
	}
	noun, verb, _ := strings.Cut(e.Action, ".")
	return strings.TrimSpace(strings.ReplaceAll(verb+" "+noun, "_", " ") + " " + label)
}
