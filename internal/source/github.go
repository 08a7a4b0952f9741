package source

import (
	"cmp"

	"latchkey/internal/payload"
)

var github = Vendor{
	Name:    "github",
	Title:   "GitHub",
	Expects: "Every webhook event as JSON, named by the header X-GitHub-Event and the action: issues.opened, push, ping.",
	Where:   "In GitHub, open the repository or organisation, Settings, Webhooks, Add webhook, paste the URL as the payload URL, and choose application/json.",
	Docs:    "https://docs.github.com/en/webhooks/webhook-events-and-payloads",
	Scheme:  "github",
	read:    readGitHub,
	Samples: []Sample{
		sample("github", "issues-opened", "Issue opened", map[string]string{"X-GitHub-Event": "issues", "X-GitHub-Delivery": "3f0c9a52-1d1e-4b8e-9a55-2f3f6f0f0001"}),
		sample("github", "push", "Push", map[string]string{"X-GitHub-Event": "push", "X-GitHub-Delivery": "3f0c9a52-1d1e-4b8e-9a55-2f3f6f0f0002"}),
		sample("github", "installation", "App installed", map[string]string{"X-GitHub-Event": "installation", "X-GitHub-Delivery": "3f0c9a52-1d1e-4b8e-9a55-2f3f6f0f0003"}),
		sample("github", "ping", "Ping", map[string]string{"X-GitHub-Event": "ping", "X-GitHub-Delivery": "3f0c9a52-1d1e-4b8e-9a55-2f3f6f0f0004"}),
	},
}

// githubObjects are the members that an event can be about, the most particular first: a comment
// comes with its issue, and a review with its pull request. By them an event is named when the
// header was lost on the way.
var githubObjects = []struct{ member, event string }{
	{"review", "pull_request_review"}, {"thread", "pull_request_review_thread"}, {"comment", ""}, {"deployment_status", "deployment_status"},
	{"check_run", "check_run"}, {"check_suite", "check_suite"}, {"workflow_job", "workflow_job"}, {"workflow_run", "workflow_run"},
	{"pull_request", "pull_request"}, {"issue", "issues"}, {"discussion", "discussion"}, {"release", "release"},
	{"deployment", "deployment"}, {"package", "package"}, {"registry_package", "registry_package"}, {"milestone", "milestone"},
	{"projects_v2_item", "projects_v2_item"}, {"projects_v2", "projects_v2"}, {"alert", ""}, {"forkee", "fork"},
	{"sponsorship", "sponsorship"}, {"label", "label"}, {"head_commit", "push"}, {"hook", "ping"}, {"installation", "installation"},
}

func readGitHub(in Input) (Event, bool) {
	top := in.Top
	member, name := githubObject(top)
	name = cmp.Or(in.Header.Get("X-GitHub-Event"), name)
	if name == "" || !githubShape(in) {
		return Event{}, false
	}
	if action := top.First("action"); action != "" {
		name += "." + action
	}
	account := pick(pick(top["installation"], "account")["account"], "login")
	return Event{
		Event:     name,
		Email:     address(pick(top["pusher"], "email").First("email")),
		UserID:    cmp.Or(pick(top["sender"], "login").First("login"), pick(top["pusher"], "name").First("name")),
		GroupID:   cmp.Or(pick(top["organization"], "login").First("login"), account.First("login"), githubPurchase(top)),
		MessageID: in.Header.Get("X-GitHub-Delivery"),
		Time:      githubTime(top, member),
	}, true
}

// githubShape tells GitHub's bodies from another's that came to this URL with no header of GitHub's.
func githubShape(in Input) bool {
	return in.Header.Get("X-GitHub-Event") != "" || in.Top["sender"].IsObject() || in.Top["zen"] != nil
}

func githubObject(top payload.Object) (member, event string) {
	for _, o := range githubObjects {
		if !top[o.member].IsObject() {
			continue
		}
		if o.member == "comment" {
			return o.member, githubComment(top)
		}
		return o.member, o.event
	}
	return "", ""
}

func githubComment(top payload.Object) string {
	switch {
	case top["pull_request"].IsObject():
		return "pull_request_review_comment"
	case top["issue"].IsObject():
		return "issue_comment"
	case top["discussion"].IsObject():
		return "discussion_comment"
	}
	return "commit_comment"
}

func githubPurchase(top payload.Object) string {
	account := pick(top["marketplace_purchase"], "account")["account"]
	return pick(account, "login").First("login")
}

// githubTime is when what the event is about last changed: GitHub sends no time of the event.
func githubTime(top payload.Object, name string) payload.Value {
	if at := top.FirstPresent("starred_at", "effective_date"); at != nil {
		return at
	}
	about := pick(top[name], "updated_at", "created_at", "submitted_at", "completed_at", "started_at", "published_at", "timestamp")
	return about.FirstPresent("updated_at", "submitted_at", "completed_at", "published_at", "started_at", "created_at", "timestamp")
}
