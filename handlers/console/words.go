package console

import (
	"strconv"
	"strings"
)

// counted is a number with its noun: "1 session", "2 sessions".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// browserName makes a user agent readable: "Firefox on Linux". What it does not know is shown as
// it came, cut short.
func browserName(userAgent string) string {
	browser := firstIn(userAgent, [][2]string{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	})
	system := firstIn(userAgent, [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	})
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	case userAgent == "":
		return "Unknown browser"
	case len(userAgent) > 60:
		return strings.ToValidUTF8(userAgent[:60], "") + "…"
	default:
		return userAgent
	}
}

func firstIn(s string, known [][2]string) string {
	for _, k := range known {
		if strings.Contains(s, k[0]) {
			return k[1]
		}
	}
	return ""
}

// withArticle puts "a" or "an" before a word.
func withArticle(word string) string {
	if word != "" && strings.ContainsAny(word[:1], "AEIOUaeiou") {
		return "an " + word
	}
	return "a " + word
}

// joinSentences puts texts one after the other, each with its full stop.
func joinSentences(texts ...string) string {
	var out []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if !strings.ContainsAny(text[len(text)-1:], ".!?") {
			text += "."
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func orText(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
