package notion

import (
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

const idLength = 32 // hexadecimal digits

// findID finds the id in what a person copied: an id with or without dashes,
// or a link to the page or database. In a link the id ends the path; a view
// id follows it as ?v= and is left alone.
func findID(s string) (string, bool) {
	path := strings.TrimSpace(s)
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	path = strings.TrimRight(path, "/")
	path = path[strings.LastIndexByte(path, '/')+1:]
	bare := strings.ToLower(strings.ReplaceAll(path, "-", ""))
	if len(bare) < idLength {
		return "", false
	}
	// A title may stand before the id: "Contacts-21b974f3…".
	bare = bare[len(bare)-idLength:]
	if strings.Trim(bare, "0123456789abcdef") != "" {
		return "", false
	}
	return crm.NormalID(bare), true
}
