// Package setup finds out how an existing Notion workspace can be used as a
// CRM, and writes that down.
//
// It owns which database is Contacts, Deals or Activities, which property is
// which, the databases of a workspace that has none yet, and the two files
// that dealbell init writes. It promises to recognise by name and shape, in
// the languages of words.go; never to change a line of a file that it has no
// new value for; never to make a database twice; and that no secret is in the
// file that others may read, or in a difference that it shows. It asks nobody:
// who calls it shows what it proposes.
package setup

import (
	"slices"
	"strings"
	"unicode"

	"github.com/dealbell/dealbell/internal/crm"
)

// Role is what a database is for.
type Role string

// The roles, in the order in which they are found.
const (
	Contacts   Role = "contacts"
	Deals      Role = "deals"
	Activities Role = "activities"
)

// Roles lists all roles.
func Roles() []Role { return []Role{Contacts, Deals, Activities} }

// Title is the name of the role's database in a standard CRM.
func (r Role) Title() string { return strings.ToUpper(string(r[:1])) + string(r[1:]) }

// fold reduces a name to what can be compared: lower-case letters and digits,
// words parted by one space.
func fold(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(plainLetters.Replace(name)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}), " ")
}

// plainLetters drops the marks that people leave out at will.
var plainLetters = strings.NewReplacer(
	"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ą", "a", "é", "e", "è", "e", "ê", "e", "ë", "e", "ę", "e", "ě", "e",
	"í", "i", "î", "i", "ï", "i", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ú", "u", "ü", "u", "û", "u", "ů", "u",
	"ç", "c", "č", "c", "ć", "c", "ñ", "n", "ň", "n", "ń", "n", "ř", "r", "š", "s", "ś", "s", "ž", "z", "ż", "z", "ź", "z", "ł", "l", "ý", "y", "ß", "ss", "ğ", "g", "ş", "s", "ı", "i",
	"Á", "a", "À", "a", "Â", "a", "Ä", "a", "Å", "a", "É", "e", "È", "e", "Ê", "e", "Í", "i", "Ó", "o", "Ö", "o", "Ø", "o", "Ú", "u", "Ü", "u",
	"Ç", "c", "Č", "c", "Š", "s", "Ś", "s", "Ž", "z", "Ż", "z", "Ł", "l", "İ", "i",
)

// closeness says how well a name fits words: 3 is one of them, 2 contains one
// as a word, 1 contains one of a script that parts no words, 0 does not.
func closeness(name, words string) int {
	name = fold(name)
	best := 0
	for word := range strings.SplitSeq(words, ",") {
		word = fold(word)
		switch {
		case word == "" || name == "":
		case name == word:
			return 3
		case strings.Contains(" "+name+" ", " "+word+" "):
			best = max(best, 2)
		case !ascii(word) && strings.Contains(name, word):
			best = max(best, 1)
		}
	}
	return best
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

func has(kinds []crm.Kind, k crm.Kind) bool { return slices.Contains(kinds, k) }
