package antispam

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed script.js
var script []byte

// Script returns the JavaScript for the pages that carry the form; path is
// where the form is posted, such as /forms/contact. It is to be served as
// /forms/NAME.js: the page's script element tells it where Dealbell is. It
// needs of a Content-Security-Policy no more than Dealbell's address in
// script-src and connect-src.
func (p Policy) Script(path string) ([]byte, error) {
	settings, err := json.Marshal(map[string]string{"form": p.Form, "path": path, "honeypot": p.Honeypot})
	if err != nil {
		return nil, fmt.Errorf("write the script of form %q: %w", p.Form, err)
	}
	return slices.Concat([]byte("("), script, []byte(")("), settings, []byte(");\n")), nil
}
