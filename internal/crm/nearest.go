package crm

import "strings"

// Nearest returns the name that somebody who wrote word may have meant: the
// one that takes the fewest edits, if those are few for a word of its length,
// else "". A name that is the word is not meant: something else is wrong with
// it.
func Nearest(word string, names []string) string {
	best, fewest := "", 1+min(2, len(word)/3+1)
	for _, name := range names {
		if SameName(word, name) {
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
