package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
	"latchkey/models"
)

// template is which payload template the new key goes by.
func (k keysCreateCmd) template() (templateChoice, error) {
	if k.Type == models.ProductOrgs && k.Template == "" && k.TemplateName == "" && !k.Capture {
		return templateChoice{}, errors.New("a Product org key needs a payload template: use --template FILE, --template-name NAME or --capture")
	}
	choice := templateChoice{Name: k.TemplateName, Capture: k.Capture}
	if k.Template != "" {
		rows, err := readTemplate(k.Template)
		if err != nil {
			return templateChoice{}, err
		}
		choice.Rows = &rows
	}
	return choice, nil
}

// templateNamed is the id of the template with this name, in any case.
func (s localKeys) templateNamed(ctx context.Context, name string) (string, error) {
	named, err := s.app.Templates.Named(ctx, s.actor)
	if err != nil {
		return "", err
	}
	var names []string
	for _, v := range named {
		if strings.EqualFold(v.Template.Name, name) {
			return v.Template.ID, nil
		}
		names = append(names, v.Template.Name)
	}
	return "", noTemplate(name, names)
}

func noTemplate(name string, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("--template-name %q: the workspace has no named template yet; give the template of a key a name in the console, or use --template", name)
	}
	return fmt.Errorf("--template-name %q: no template has this name; there are: %s", name, strings.Join(names, ", "))
}

// maxTemplateFile bounds what is read as a template, in bytes; a full template is far smaller.
const maxTemplateFile = 1 << 20

// readTemplate reads a template from a file, or from standard input when the file is "-".
func readTemplate(file string) (mapping.Template, error) {
	var in io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return mapping.Template{}, fmt.Errorf("--template: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxTemplateFile))
	if err != nil {
		return mapping.Template{}, fmt.Errorf("--template %s: %w", file, err)
	}
	rows, err := mapping.ParseJSON(text)
	if err != nil {
		return mapping.Template{}, fmt.Errorf("--template %s: %w", file, err)
	}
	return rows, nil
}

// findings prints everything that is wrong with a template, where a form has room for one line.
func findings(err error) error {
	all := templates.FindingsOf(err)
	if len(all) == 0 {
		return err
	}
	var lines []error
	fields := fault.FieldsOf(err)
	delete(fields, "template")
	if len(fields) > 0 {
		lines = append(lines, sentences(fields.Err()))
	}
	for i := range all {
		lines = append(lines, errors.New("template: "+templates.Sentence(all[i:i+1])))
	}
	return errors.Join(lines...)
}
