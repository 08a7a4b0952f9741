package mapping

import "encoding/json"

// filter reads ?(@.k=='v')] and ?@.k=='v'], from the ? on.
func (p *parser) filter(open int) (step, *pathError) {
	p.pos++
	p.blanks()
	paren := p.peek() == '('
	if paren {
		p.pos++
		p.blanks()
	}
	where, err := p.comparison()
	if err != nil {
		return step{}, err
	}
	p.blanks()
	switch c := p.peek(); {
	case c == '&' || c == '|':
		return step{}, p.fail("a filter has one comparison. Remove && and ||.")
	case paren && c == ')':
		p.pos++
	case paren:
		return step{}, p.fail("the filter is not closed. Add ).")
	}
	return step{kind: stepFilter, where: where}, p.close(open)
}

func (p *parser) comparison() (*filter, *pathError) {
	if p.peek() != '@' {
		return nil, p.fail("a filter compares a member of each element: [?(@.type=='owner')].")
	}
	p.pos++
	names, err := p.filterNames()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if !(p.peek() == '=' && p.pos+1 < len(p.text) && p.text[p.pos+1] == '=') {
		return nil, p.fail("a filter compares with ==, e.g. [?(@.type=='owner')]. Nothing else is supported.")
	}
	p.pos += 2
	p.blanks()
	want, err := p.literal()
	return &filter{names: names, want: want}, err
}

func (p *parser) filterNames() ([]string, *pathError) {
	var names []string
	for p.peek() == '.' || p.peek() == '[' {
		at := p.pos
		s, err := p.step()
		switch {
		case err != nil:
			return nil, err
		case s.kind != stepName:
			return nil, p.failAt(at, "inside a filter only names are supported, e.g. @.type.")
		case len(names) == maxFilterNames:
			return nil, p.failAt(at, "a filter looks at most %d names deep.", maxFilterNames)
		}
		names = append(names, s.name)
	}
	return names, nil
}

// literal reads 'text', "text", a number, true or false.
func (p *parser) literal() (any, *pathError) {
	const hint = "compare with a text in quotes, a number, true or false."
	start := p.pos
	if c := p.peek(); c == '\'' || c == '"' {
		return p.quoted()
	}
	for c := p.peek(); c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'; c = p.peek() {
		p.pos++
	}
	switch word := p.text[start:p.pos]; word {
	case "true", "false":
		return word == "true", nil
	case "":
		return nil, p.failAt(start, hint)
	default:
		d, problem := parseDecimal(word)
		if problem != "" {
			return nil, p.failAt(start, "%s is no value: "+hint, word)
		}
		return json.Number(d.text()), nil
	}
}
