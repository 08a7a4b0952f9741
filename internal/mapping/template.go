package mapping

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Limits of a template. They bound what one payload can cost, and are small enough to read a
// template on one page.
const (
	MaxRows       = 50
	MaxPaths      = 10   // of one row
	MaxTransforms = 10   // of one row
	MaxSteps      = 20   // of one path
	MaxPathBytes  = 500  // of one path
	MaxArgument   = 1000 // bytes of one transform with its argument
	MaxText       = 1000 // bytes of a text value; longer ones are cut, with a warning
	MaxJSON       = 8192 // bytes of a custom value, and of a constant or default
	MaxFlags      = 100  // feature flags of one payload
	MaxFlagName   = 128  // bytes
)

// Template says how a payload becomes an organisation's values: one row a target. The order of the
// rows means nothing to the result.
type Template struct {
	Rows []Row `json:"rows"`
}

// Row fills one target, from the first path that has a non-empty value or from a constant.
type Row struct {
	Target    string          `json:"target"`              // a name of Targets, or custom.<name>
	From      []string        `json:"from,omitempty"`      // paths, see doc.go; the first non-empty value wins
	Value     json.RawMessage `json:"value,omitempty"`     // a constant instead of From
	Transform []string        `json:"transform,omitempty"` // in order: "trim", "divide:100", "map:a=b,c=d", "join:,"
	Default   json.RawMessage `json:"default,omitempty"`   // when nothing was found; not transformed
	Required  bool            `json:"required,omitempty"`  // the payload is refused without it
}

// Finding is something wrong with a template, or with a payload under a template. Problem is a
// sentence (or two) for people; Code is for programs.
type Finding struct {
	Row     int    `json:"row"`             // index of the row; -1: the template as a whole
	Field   string `json:"field,omitempty"` // target, from, value, transform, default, or "" for the row
	Target  string `json:"target,omitempty"`
	Path    string `json:"path,omitempty"` // the path concerned, normalised where it could be read
	Code    string `json:"code"`           // one of the Code constants
	Problem string `json:"problem"`
}

// Codes of findings in a template.
const (
	CodeTooManyRows       = "too_many_rows"
	CodeUnknownTarget     = "unknown_target"
	CodeDuplicateTarget   = "duplicate_target"
	CodeMissingOrgID      = "missing_org_id"
	CodeMissingSource     = "missing_source" // neither from nor value
	CodeTwoSources        = "two_sources"    // both
	CodeTooManyPaths      = "too_many_paths"
	CodePathSyntax        = "path_syntax"
	CodeTooManyTransforms = "too_many_transforms"
	CodeUnknownTransform  = "unknown_transform"
	CodeBadArgument       = "bad_argument"
	CodeBadValue          = "bad_value"
	CodeBadDefault        = "bad_default"
)

// Codes of findings in a payload. Each is a warning, and an error where the row is required.
const (
	CodeRequiredMissing = "required_missing" // always an error
	CodeTypeClash       = "type_clash"
	CodeTransformFailed = "transform_failed"
	CodeTooManyValues   = "too_many_values" // over the limits of what is looked at in one payload
	CodeTooLong         = "too_long"        // a value over its limit, not kept
)

// Codes that are only ever warnings: the value is kept.
const (
	CodeSeveralValues = "several_values" // the first was taken
	CodeTruncated     = "truncated"
	CodeSanitised     = "sanitised"
	CodeBadFlag       = "bad_flag" // one flag was left out
)

// String is the finding with its place, for logs and API answers: "Row 3 (plan, from): ...".
func (f Finding) String() string {
	if f.Row < 0 {
		return f.Problem
	}
	return fmt.Sprintf("Row %d (%s): %s", f.Row+1, strings.Trim(f.Target+", "+f.Field, ", "), f.Problem)
}
