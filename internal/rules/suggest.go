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
	if near := nearest(word, names); near != "" {
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

// nearest returns the name that takes the fewest edits, if those are few for
// a word of that length; else "".
func nearest(word string, names []string) string {
	best, fewest := "", 1+min(2, len(word)/3+1)
	for _, name := range names {
		if crm.SameName(word, name) {
			continue
		}
		if n := edits([]rune(strings.ToLower(word)), []rune(strings.ToLower(name))); n < fewest {
			best, fewest = name, n
		}
	}
	return best
}

// edits counts the insertions, deletions and replacements from a to b.
func edits(a, b []rune) int {
	before := make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	for i, x := range a {
		now := append(make([]int, 0, len(b)+1), i+1)
		for j, y := range b {
			n := min(before[j+1], now[j]) + 1
			if x == y {
				n = min(n, before[j])
			}
			now = append(now, min(n, before[j]+1))
		}
		before = now
	}
	return before[len(b)]
}
