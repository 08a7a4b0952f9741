package source

import (
	"embed"
	"fmt"
)

//go:embed samples
var sampleFiles embed.FS

// sample reads samples/<vendor>/<name>.json. The files are part of the binary, so one that is
// missing is a mistake in this package and stops the program at its start.
func sample(vendor, name, title string, headers map[string]string) Sample {
	body, err := sampleFiles.ReadFile(fmt.Sprintf("samples/%s/%s.json", vendor, name))
	if err != nil {
		panic("source: " + err.Error())
	}
	return Sample{Name: name, Title: title, Headers: headers, Body: string(body)}
}
