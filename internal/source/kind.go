package source

import "strings"

// Kinds of event, in the words of the Segment spec, which the others took over.
const (
	Track    = "track"
	Page     = "page"
	Screen   = "screen"
	Identify = "identify"
	Group    = "group"
	Alias    = "alias"
)

// kinds has them by the name of the call.
var kinds = map[string]string{
	Track: Track, Page: Page, Screen: Screen, Identify: Identify, Group: Group, Alias: Alias,
}

// named are events that are another kind than track by their name alone. A bare word such as group
// is not among them: it may be anyone's event.
var named = map[string]string{
	"page_view": Page, "pageview": Page, "$pageview": Page, "$mp_web_page_view": Page,
	"screen_view": Screen, "$screen": Screen,
	"$identify": Identify, "$set": Identify, "$groupidentify": Group,
	"$create_alias": Alias, "$merge_dangerously": Alias, "$merge": Alias,
}

// callNames are what calls are called that have no event of their own: the same whoever sent them.
var callNames = map[string]string{
	Page: "page_view", Screen: "screen_view", Identify: "identify", Group: "group", Alias: "alias",
}

// Kinds are all there are; track is the kind of everything that is no other.
func Kinds() []string { return []string{Track, Page, Screen, Identify, Group, Alias} }

// KindOf tells the kind from the call type where there is one, else from the event's name.
func KindOf(event, typ string) string {
	if kind, ok := kinds[strings.ToLower(strings.TrimSpace(typ))]; ok {
		return kind
	}
	if kind, ok := named[strings.ToLower(strings.TrimSpace(event))]; ok {
		return kind
	}
	return Track
}
