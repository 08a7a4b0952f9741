package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/app"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/templates"
	"latchkey/models"
)

// chooseTemplate fills in which payload template the new key goes by.
func (k keysCreateCmd) chooseTemplate(ctx context.Context, a *app.App, actor access.Actor, form *keys.CreateForm) error {
	if k.Type == models.ProductOrgs && k.Template == "" && k.TemplateName == "" && !k.Capture {
		return errors.New("a Product org key needs a payload template: use --template FILE, --template-name NAME or --capture")
	}
	form.CaptureFirst = k.Capture
	if k.Template != "" {
		rows, err := readTemplate(k.Template)
		if err != nil {
			return err
		}
		form.Template = &rows
	}
	if k.TemplateName == "" {
		return nil
	}
	named, err := a.Templates.Named(ctx, actor)
	if err != nil {
		return err
	}
	var names []string
	for _, v := range named {
		if strings.EqualFold(v.Template.Name, k.TemplateName) {
			form.TemplateID = v.Template.ID
			return nil
		}
		names = append(names, v.Template.Name)
	}
	if len(names) == 0 {
		return fmt.Errorf("--template-name %q: the workspace has no named template yet; give the template of a key a name in the console, or use --template", k.TemplateName)
	}
	return fmt.Errorf("--template-name %q: no template has this name; there are: %s", k.TemplateName, strings.Join(names, ", "))
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
