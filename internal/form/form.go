// Package form knows what form vendors send.
//
// Each vendor turns the raw body of a request, and sometimes a header, into
// the same Submission. The package promises bounds that hold for any body: at
// most 500 fields, names of at most 200 characters, no recursion deeper than
// 100, work in proportion to the body, and texts that are valid UTF-8 without
// control characters. It verifies no signature, keeps no state and does no
// input or output.
package form

import (
	"net/http"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Field is one answer as it was given, trimmed and not blank.
type Field struct {
	Name  string   // the label as people see it, cut to 200 characters
	Keys  []string // what else the vendor calls it: id, reference, key
	Value string
}

// Is reports whether the field goes by this name, without regard to case.
func (f Field) Is(name string) bool {
	return crm.SameName(f.Name, name) || slices.ContainsFunc(f.Keys, func(key string) bool { return crm.SameName(key, name) })
}

// Submission is a form that somebody sent in, or a booking or an event that
// says who did something.
type Submission struct {
	ID        string    // the vendor's, the same in all its retries; "" where it has none
	At        time.Time // when it was sent in by the vendor's clock; zero where unsaid
	Title     string    // of the form or event
	Kind      string    // of event, such as BOOKING_CREATED; "" where the vendor has only one
	Email     string    // of whom it is about, as typed: the best guess, not checked but for own forms
	EmailFrom Field     // the field that Email is from; zero where it is from the vendor's own knowledge
	Name      string    // of whom it is about, where the vendor or a field says it
	Fields    []Field   // all but EmailFrom, in the order of the form; of own JSON by name
}

// Value returns the field that has this name, or else this key, without
// regard to case; "" when it is absent or blank.
func (s Submission) Value(name string) string {
	byName := func(f Field) bool { return crm.SameName(f.Name, name) }
	byKey := func(f Field) bool { return f.Is(name) }
	for _, match := range []func(Field) bool{byName, byKey} {
		if i := slices.IndexFunc(s.Fields, match); i >= 0 {
			return s.Fields[i].Value
		}
		if match(s.EmailFrom) {
			return s.EmailFrom.Value
		}
	}
	return ""
}

// Vendor is one who sends submissions.
type Vendor struct {
	Name     string
	Scheme   string   // how it signs: a name of the signature table
	MaxBody  int64    // in bytes
	Events   []string // kinds that are submissions, others are acknowledged and left; nil: all
	OKStatus int      // the answer that the vendor expects
	Hint     string   // where its webhooks and their secret are set

	decode func(request) (Submission, error)
}

// request is what a vendor sent.
type request struct {
	header      http.Header
	contentType string
	body        []byte
}

// Named finds a vendor.
func Named(name string) (Vendor, bool) {
	i := slices.IndexFunc(vendors[:], func(v Vendor) bool { return v.Name == name })
	if i < 0 {
		return Vendor{}, false
	}
	return vendors[i], true
}

// Names lists the vendors.
func Names() []string {
	var names []string
	for _, v := range vendors {
		names = append(names, v.Name)
	}
	return names
}

// Decode reads what the vendor sent. Every error is a *DecodeError.
func (v Vendor) Decode(h http.Header, contentType string, body []byte) (Submission, error) {
	return v.decode(request{h, contentType, body})
}
