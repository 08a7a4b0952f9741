package api

import (
	"net/http"

	"latchkey/internal/accounts"
)

type workspaceJSON struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Plan         string `json:"plan"`
	MembersCount int    `json:"members_count"`
	CreatedAt    string `json:"created_at"`
}

func getWorkspace(c *call) error {
	w, err := c.api.Accounts.Workspace(c.ctx(), c.actor)
	if err != nil {
		return err
	}
	n, err := c.api.Accounts.CountMembers(c.ctx(), c.actor)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, workspaceJSON{w.ID, w.Name, w.Plan, n, instant(w.CreatedAt.Time)})
}

type memberJSON struct {
	AccountID  string `json:"account_id"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Role       string `json:"role"`
	JoinedAt   string `json:"joined_at"`
	ActiveKeys int    `json:"active_keys"`
}

func listMembers(c *call) error {
	q := c.query()
	after, limit := q.cursorID(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	page, next, err := c.api.Accounts.MembersAfter(c.ctx(), c.actor, after, limit)
	if err != nil {
		return err
	}
	return c.list(each(page, memberOf), next)
}

func memberOf(m accounts.Member) memberJSON {
	return memberJSON{m.AccountID, m.Name, m.Email, string(m.Role), instant(m.JoinedAt.Time), m.ActiveKeys}
}

// each maps a page; the result is never nil, so that an empty list is written as one.
func each[T, U any](items []T, to func(T) U) []U {
	out := make([]U, len(items))
	for i, item := range items {
		out[i] = to(item)
	}
	return out
}
