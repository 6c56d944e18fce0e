// Package secret holds values that must never be printed.
//
// A String prints as «redacted» through fmt, log/slog and encoding/json, so a
// token cannot reach a log, an error or a page by accident. Code that really
// needs the value says so with Reveal.
package secret

import "log/slog"

const mask = "«redacted»"

// String is a token, password, signing key or webhook URL. The zero String is
// empty.
type String struct {
	value *string // a pointer, because fmt prints the fields of a field that it cannot call methods on
}

// New wraps s.
func New(s string) String { return String{value: &s} }

// Reveal returns the wrapped value. Call it only where the value leaves the
// process on purpose, such as an Authorization header.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether nothing is set.
func (s String) Empty() bool { return s.Reveal() == "" }

// String implements fmt.Stringer.
func (s String) String() string { return mask }

// GoString implements fmt.GoStringer, which %#v uses.
func (s String) GoString() string { return mask }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (s String) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}
