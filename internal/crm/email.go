package crm

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Email is an address as a person typed it, with the key by which contacts
// are compared.
type Email struct {
	Typed string // trimmed, otherwise untouched: this is what Notion shows
	Key   string // lower case, NFC, domain in its ASCII (punycode) form
}

// errEmail is the reason given for an address that is none at all.
var errEmail = errors.New("is not an email address")

const (
	maxTyped = 200 // what Notion's email property takes
	maxLocal = 64  // RFC 5321, 4.5.3.1
)

// ParseEmail reads one bare address such as ana@example.com. Addresses that
// differ in case, in surrounding or invisible characters, or in how an
// international domain is written have the same key. Dots and +tags in the
// local part are kept: only the mail provider knows what they mean.
// The error never repeats the address.
func ParseEmail(s string) (Email, error) {
	typed := strings.TrimFunc(strings.ToValidUTF8(s, ""), invisible)
	// Before anything else: Punycode takes time by the square of what it is given.
	if len(typed) > maxTyped {
		return Email{}, fmt.Errorf("%w: it is too long", errEmail)
	}
	folded := norm.NFC.String(strings.ToLower(norm.NFC.String(strings.Map(dropInvisible, typed))))
	at := strings.LastIndexByte(folded, '@')
	if at < 1 || at == len(folded)-1 {
		return Email{}, errEmail
	}
	local := folded[:at]
	domain, err := idna.Lookup.ToASCII(strings.TrimSuffix(folded[at+1:], "."))
	if err != nil || !strings.Contains(domain, ".") {
		return Email{}, fmt.Errorf("%w: the part after @ is not a domain", errEmail)
	}
	key := local + "@" + strings.ToLower(domain)
	if len(local) > maxLocal || len(key) > maxTyped {
		return Email{}, fmt.Errorf("%w: it is too long", errEmail)
	}
	parsed, err := mail.ParseAddress(key)
	if err != nil || parsed.Address != key || parsed.Name != "" {
		return Email{}, errEmail
	}
	return Email{Typed: typed, Key: key}, nil
}

func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r)
}

func dropInvisible(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}
