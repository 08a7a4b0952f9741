package keys

import (
	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// edits collects what a change of a key writes, and what the audit log says of it.
type edits struct {
	sets          []string
	args          []any
	actions       []string
	before, after audit.Values

	longer  bool // the key lives longer
	guarded bool // what protects the key changes
	retire  bool // the value before the present one ends earlier
}

func (e *edits) none() bool { return len(e.sets) == 0 }

func (e *edits) set(column string, value any) {
	e.sets, e.args = append(e.sets, column+" = ?"), append(e.args, value)
}

func (e *edits) did(action, name string, before, after any) {
	e.actions = append(e.actions, action)
	e.before[name], e.after[name] = before, after
}

// edit notes a column that gets another value, and tells whether it does.
func edit[T comparable](e *edits, action, name, column string, before, after T) bool {
	if before == after {
		return false
	}
	e.did(action, name, before, after)
	e.set(column, after)
	return true
}

// action is what the log calls it: by its own name when it is one thing.
func (e *edits) action() string {
	if len(e.actions) == 1 {
		return "api_key." + e.actions[0]
	}
	return "api_key.changed"
}

// label is the key's name after the change.
func (e *edits) label(key models.APIKey) string {
	if name, renamed := e.after["name"].(string); renamed {
		return name
	}
	return key.Name
}

// allowed says what the actor may not do to this key, or nobody any more.
func (e *edits) allowed(actor access.Actor, key models.APIKey, p Patch) error {
	if e.none() {
		return nil
	}
	if _, renamed := e.after["name"]; key.Status == models.KeyDeactivated && !(renamed && len(e.actions) == 1) {
		return fault.New(fault.Conflict, "This key is deactivated; only its name can still be changed. Create a new key instead.")
	}
	have := access.ParseScopes(key.Scopes)
	if p.Scopes != nil {
		if err := requireScopes(actor, have.Wider(*p.Scopes)); err != nil {
			return err
		}
	}
	if e.longer || e.guarded {
		return requireScopes(actor, have)
	}
	return nil
}
