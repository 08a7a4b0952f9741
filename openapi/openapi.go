// Package openapi is the contract of the management API: openapi.yaml, which every answer in every
// test is validated against, and which /docs/api renders.
package openapi

import _ "embed"

// Source is the contract as it is served: OpenAPI 3.1 in YAML.
//
//go:embed openapi.yaml
var Source []byte
