package database

import "strings"

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Contains makes a LIKE pattern that finds text anywhere; use it with ESCAPE '\'.
func Contains(text string) string { return "%" + likeEscaper.Replace(text) + "%" }

// BeginsWith makes a LIKE pattern that finds what begins with text; use it with ESCAPE '\'.
func BeginsWith(text string) string { return likeEscaper.Replace(text) + "%" }
