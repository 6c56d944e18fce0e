package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// listed is how many names a hint lists.
const listed = 30

// didYouMean is a hint for a name that does not exist: the likely one, and
// which ones there are.
func didYouMean(word string, names []string, what string) string {
	all := fmt.Sprintf("(%s: %s)", what, list(names))
	if near := crm.Nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean %q? %s", near, all)
	}
	return all
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if len(names) > listed {
		names = append(slices.Clone(names[:listed]), "…")
	}
	return strings.Join(names, ", ")
}
