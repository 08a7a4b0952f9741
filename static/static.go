// Package static holds the files that browsers load: stylesheet, scripts, fonts and the icon, embedded in the binary.
// Their addresses carry a hash of their content, so that they can be cached for ever and never be stale.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed app.css app.js htmx.min.js hx-sse.min.js favicon.svg fonts/*.woff2
var files embed.FS

// Prefix is where Handler expects to be mounted.
const Prefix = "/static/"

type asset struct {
	name, url, kind string
	body, gzipped   []byte // gzipped is nil where it saves nothing
}

// index is built once: assets by name ("app.css") and by address ("/static/app.1a2b3c4d5e6f.css").
type index struct {
	byName, byURL map[string]*asset
}

var load = sync.OnceValue(func() *index {
	ix := &index{byName: map[string]*asset{}, byURL: map[string]*asset{}}
	var sheets []string
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if path.Ext(name) == ".css" {
			sheets = append(sheets, name)
			return nil
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		ix.add(name, body)
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("static: read embedded files: %v", err))
	}
	// Stylesheets last: they name the fonts, whose addresses must be known by then.
	for _, name := range sheets {
		body, err := files.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("static: read %s: %v", name, err))
		}
		ix.add(name, ix.rewrite(body))
	}
	return ix
})

// URL is the address of an embedded file. An unknown name is a programming error and panics.
func URL(name string) string {
	a, ok := load().byName[name]
	if !ok {
		panic("static: no file " + name)
	}
	return a.url
}

func (ix *index) add(name string, body []byte) {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	a := &asset{name: name, body: body, kind: contentType(ext)}
	a.url = Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	if ext != ".woff2" { // already compressed
		a.gzipped = compress(body)
	}
	ix.byName[name] = a
	ix.byURL[a.url] = a
}

// rewrite points the fonts of a stylesheet to their hashed addresses.
func (ix *index) rewrite(css []byte) []byte {
	for name, a := range ix.byName {
		if path.Ext(name) == ".woff2" {
			css = bytes.ReplaceAll(css, []byte(Prefix+name), []byte(a.url))
		}
	}
	return css
}

func contentType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	default:
		return "application/octet-stream"
	}
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := w.Write(body); err != nil || w.Close() != nil || b.Len() >= len(body) {
		return nil
	}
	return b.Bytes()
}
