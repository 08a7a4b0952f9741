package openapi

import "strings"

// Span is a run of a text in one style.
type Span struct {
	Text   string
	Code   bool
	Strong bool
}

// Prose reads the little of Markdown that descriptions use: paragraphs, `code` and **weight**.
func Prose(text string) [][]Span {
	var out [][]Span
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if line := strings.Join(strings.Fields(paragraph), " "); line != "" {
			out = append(out, spans(line))
		}
	}
	return out
}

func spans(line string) []Span {
	var out []Span
	add := func(s Span) {
		if s.Text != "" {
			out = append(out, s)
		}
	}
	for line != "" {
		i := strings.IndexAny(line, "`*")
		if i < 0 {
			break
		}
		mark := "`"
		if strings.HasPrefix(line[i:], "**") {
			mark = "**"
		}
		inside, rest, ok := strings.Cut(strings.TrimPrefix(line[i:], mark), mark)
		if !ok || !strings.HasPrefix(line[i:], mark) {
			add(Span{Text: line[:i+1]})
			line = line[i+1:]
			continue
		}
		add(Span{Text: line[:i]})
		add(Span{Text: inside, Code: mark == "`", Strong: mark == "**"})
		line = rest
	}
	add(Span{Text: line})
	return out
}
