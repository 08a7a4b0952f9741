package console

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/internal/access"
)

// The methods that plain forms and links know.
const (
	GET  = http.MethodGet
	POST = http.MethodPost
)

// Route is a line of the table: who may do what, and by which handler.
type Route struct {
	Method  string
	Path    string
	Access  Access
	Handler echo.HandlerFunc
}

// Access says who may use a route. The zero value says nothing and is refused.
type Access struct {
	level  level
	action access.Action
}

type level int

const (
	undeclared level = iota
	public
	signedIn
	member
)

// The kinds of access beside In.
var (
	Public   = Access{level: public}   // anybody
	SignedIn = Access{level: signedIn} // an account, in no workspace
	Member   = Access{level: member}   // any role in the workspace of the path
)

// In asks for a role that may do the action in the workspace of the path.
func In(action access.Action) Access { return Access{level: member, action: action} }

func (a Access) declared() bool { return a.level != undeclared }

// Action is what the role must allow; empty for Public, SignedIn and Member.
func (a Access) Action() access.Action { return a.action }

// IsPublic tells that nobody needs to be signed in.
func (a Access) IsPublic() bool { return a.level == public }

// InWorkspace tells that the path names a workspace.
func (a Access) InWorkspace() bool { return a.level == member }

func (s *server) routes() []Route {
	return slices.Concat(
		s.entryRoutes(),
		s.profileRoutes(),
		s.workspaceRoutes(),
		s.memberRoutes(),
		s.invitationRoutes(),
		s.auditRoutes(),
		s.keyRoutes(),
		s.templateRoutes(),
		s.homeRoutes(),
		s.requestRoutes(),
		s.uploadRoutes(),
		s.signalRoutes(),
		s.orgRoutes(),
		s.waitingRoutes(),
		s.signatureRoutes(),
		s.sourceRoutes(),
		s.apiDocsRoutes(),
		s.testEventRoutes(),
		s.hygieneRoutes(),
		s.noticeRoutes(),
		s.leakRoutes(),
		s.deliveryRoutes(),
		s.endpointTryRoutes(),
		s.endpointRoutes(),
	)
}
