package ui

import "github.com/a-h/templ"

// Tone is the meaning of a badge, banner, toast or stat. It always comes with an icon or a word, never colour alone.
type Tone int

const (
	ToneNeutral Tone = iota
	ToneOK
	ToneInfo
	ToneWarn
	ToneDanger
	ToneTest
	ToneAccent
)

// BadgeProps is a status: an icon and a word. Icon follows from the tone unless set.
type BadgeProps struct {
	Tone  Tone
	Label string
	Icon  IconName
}

// BannerProps is a message across the page or section. Danger banners are announced at once.
// Children stand under Text.
type BannerProps struct {
	Tone        Tone
	ID          string
	Title       string
	Text        string
	ActionLabel string
	ActionHref  string
}

// ToastProps is a short message after an action; it lands in the page's one status region.
type ToastProps struct {
	Tone Tone
	Text string
}

// CardProps is a bordered surface; children are its content. Flush leaves out the padding (for tables).
type CardProps struct {
	ID    string
	Flush bool
	Attrs templ.Attributes
}

// SectionProps is a titled part of a page (h2); children are its content. Action* is a link at the right of the title.
type SectionProps struct {
	ID          string
	Title       string
	Text        string
	Tone        Tone // ToneDanger for the danger area
	Flush       bool // no padding inside the card (for tables)
	Bare        bool // no card at all
	ActionLabel string
	ActionHref  string
	Attrs       templ.Attributes
}

// PageHeaderProps is the top of a page: h1 (focused after navigation), status, one line of text, the way back.
// Children are the page's actions, at most one of them primary.
type PageHeaderProps struct {
	Title     string
	Text      string
	Mono      string // a machine name under the title, e.g. the key's prefix
	Badges    []BadgeProps
	BackLabel string
	BackHref  string
}

// StatProps is one number with its label.
type StatProps struct {
	Label string
	Value string
	Hint  string
	Href  string
	Tone  Tone
}

// TimeProps is a moment. DateTime is RFC 3339 UTC; Relative and Absolute are ready to read. Focus or a click shows
// the absolute text in place. ShowAbsolute is for audit and deliveries. NewTime fills it.
type TimeProps struct {
	DateTime     string
	Relative     string
	Absolute     string
	ShowAbsolute bool
}

// Fact is one line of a definition list.
type Fact struct {
	Label string
	Value string
	Hint  string
	Mono  bool
	Copy  bool       // adds a copy button
	Time  *TimeProps // instead of Value
	Badge *BadgeProps
	Href  string
}

// FactsProps is a definition list; children may add FactRow components.
type FactsProps struct {
	Items []Fact
}

// FactRowProps is a fact whose value is markup: the children.
type FactRowProps struct {
	Label string
}

// EmptyStateProps is what stands where a list would be. "None yet" carries the code that changes it,
// "none match" carries "Clear filters".
type EmptyStateProps struct {
	Icon        IconName
	Title       string
	Text        string
	Code        string
	CodeLabel   string // accessible name of the code block
	ActionLabel string
	ActionHref  string
	Primary     bool // the action is the page's primary one
}

// AvatarProps draws the initials of a name.
type AvatarProps struct {
	Name string
}

// KbdProps are keys pressed together or one after the other.
type KbdProps struct {
	Keys []string
}

// WaitingProps is a live state: a pulse and a text until Done, then a tick.
type WaitingProps struct {
	ID   string
	Text string
	Done bool
}

// LiveSlotProps is a place that an event stream refills: the server sends unnamed messages with the HTML to show, and at the
// end the event "done" (else the browser connects again). An empty URL leaves it still.
type LiveSlotProps struct {
	ID  string
	URL string
}

// ChecklistProps is the onboarding list; one item a step.
type ChecklistProps struct {
	Label string
	Items []ChecklistItem
}

// ChecklistItem is one step; Code is shown while it is the Current one.
type ChecklistItem struct {
	ID          string
	Title       string
	Text        string
	Done        bool
	Current     bool
	Code        string
	ActionLabel string
	ActionHref  string
}

func (t Tone) icon() IconName {
	switch t {
	case ToneOK:
		return IconCheckCircle
	case ToneInfo:
		return IconInfo
	case ToneWarn:
		return IconWarn
	case ToneDanger:
		return IconError
	case ToneTest:
		return IconTest
	default:
		return ""
	}
}

func badgeClass(t Tone) string {
	switch t {
	case ToneOK:
		return "badge badge-ok"
	case ToneInfo:
		return "badge badge-info"
	case ToneWarn:
		return "badge badge-warn"
	case ToneDanger:
		return "badge badge-danger"
	case ToneTest:
		return "badge badge-test"
	case ToneAccent:
		return "badge badge-accent"
	default:
		return "badge"
	}
}

func bannerClass(t Tone) string {
	switch t {
	case ToneOK:
		return "banner banner-ok"
	case ToneInfo, ToneAccent:
		return "banner banner-info"
	case ToneWarn:
		return "banner banner-warn"
	case ToneDanger:
		return "banner banner-danger"
	case ToneTest:
		return "banner banner-test"
	default:
		return "banner"
	}
}

func toastClass(t Tone) string {
	switch t {
	case ToneDanger:
		return "toast toast-danger"
	case ToneWarn:
		return "toast toast-warn"
	default:
		return "toast toast-ok"
	}
}

func statClass(t Tone) string {
	switch t {
	case ToneOK:
		return "text-ok"
	case ToneWarn:
		return "text-warn"
	case ToneDanger:
		return "text-danger"
	default:
		return "text-ink"
	}
}

func cardClass(flush bool) string {
	if flush {
		return "card"
	}
	return "card p-4 sm:p-5"
}

func sectionClass(p SectionProps) string {
	switch {
	case p.Bare:
		return "grid gap-4"
	case p.Tone == ToneDanger && p.Flush:
		return "card border-danger"
	case p.Tone == ToneDanger:
		return "card border-danger p-4 sm:p-5"
	default:
		return cardClass(p.Flush)
	}
}

// initials are the first letters of the first and the last word, at most two.
func initials(name string) string {
	var first, last rune
	start := true
	for _, r := range name {
		if r == ' ' {
			start = true
			continue
		}
		if start {
			if first == 0 {
				first = r
			} else {
				last = r
			}
			start = false
		}
	}
	switch {
	case first == 0:
		return "?"
	case last == 0:
		return string(first)
	default:
		return string([]rune{first, last})
	}
}
