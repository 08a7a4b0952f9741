package payload

import "encoding/json"

// scanner walks over JSON that is known to be valid; where it meets something that is not, it fails.
type scanner struct {
	text []byte
	at   int
}

// members is Members for names without escapes.
func members(text []byte) (Object, bool) {
	s := &scanner{text: text}
	if !s.take('{') {
		return nil, false
	}
	o := make(Object, 8)
	if s.take('}') {
		return o, s.ended()
	}
	for {
		s.space()
		from := s.at
		if !s.quoted() {
			return nil, false
		}
		name, ok := plain(text[from:s.at])
		if !ok || !s.take(':') {
			return nil, false
		}
		s.space()
		from = s.at
		if !s.value() {
			return nil, false
		}
		o[name] = Value(text[from:s.at:s.at])
		if s.take(',') {
			continue
		}
		return o, s.take('}') && s.ended()
	}
}

// Elements decodes one level of an array, whose text is valid JSON; false when it is no array. The
// elements share its memory.
func Elements(text []byte) ([]json.RawMessage, bool) {
	s := &scanner{text: text}
	if !s.take('[') {
		return nil, false
	}
	list := []json.RawMessage{}
	if s.take(']') {
		return list, s.ended()
	}
	for {
		s.space()
		from := s.at
		if !s.value() {
			return nil, false
		}
		list = append(list, text[from:s.at:s.at])
		if s.take(',') {
			continue
		}
		return list, s.take(']') && s.ended()
	}
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// take steps over a character, and the white space before it.
func (s *scanner) take(c byte) bool {
	if s.space(); s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) ended() bool {
	s.space()
	return s.at == len(s.text)
}

// quoted steps over a string.
func (s *scanner) quoted() bool {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		return false
	}
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	return false
}

// value steps over any value.
func (s *scanner) value() bool {
	if s.at == len(s.text) {
		return false
	}
	switch s.text[s.at] {
	case '"':
		return s.quoted()
	case '{', '[':
		return s.nested()
	}
	from := s.at
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return s.at > from
		}
		s.at++
	}
	return s.at > from
}

// nested steps over an object or array.
func (s *scanner) nested() bool {
	for level := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if !s.quoted() {
				return false
			}
			continue
		case '{', '[':
			level++
		case '}', ']':
			if level--; level == 0 {
				s.at++
				return true
			}
		}
		s.at++
	}
	return false
}
