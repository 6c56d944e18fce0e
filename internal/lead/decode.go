package lead

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/dealbell/dealbell/internal/crm"
)

// Problem says what is wrong with a body.
type Problem int

// The problems. Missing and Invalid are about DecodeError.Field.
const (
	Malformed   Problem = iota // not what its Content-Type says
	Unsupported                // a Content-Type that no form sends
	Missing                    // a field that must be there is not
	Invalid                    // a field that is there makes no sense
)

// DecodeError is the error of Decode. Its text is for the sender and never
// repeats what was sent.
type DecodeError struct {
	Problem Problem
	Field   string // "" when it is about the whole body
	Detail  string
}

func (r *DecodeError) Error() string { return r.Detail }

// Field is one field of a form as it was filled in, trimmed and not blank.
type Field struct{ Name, Value string }

// Submission is a decoded lead.
type Submission struct {
	Email  crm.Email
	Fields []Field // all but the email, in the order of the form, or by name for JSON
}

// Value returns the field called name, without regard to case; "" when it is
// absent or blank.
func (s Submission) Value(name string) string {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return crm.SameName(f.Name, name) })
	if i < 0 {
		return ""
	}
	return s.Fields[i].Value
}

// maxFields bounds what one body can make Dealbell hold.
const maxFields = 500

// Decode reads the body of a form: JSON, urlencoded or multipart. Every error
// is a *DecodeError.
func Decode(contentType string, body []byte) (Submission, error) {
	fields, err := decodeFields(contentType, body)
	if err != nil {
		return Submission{}, err
	}
	var s Submission
	typed := ""
	for _, f := range fields {
		if f.Value = clean(f.Value); f.Value == "" {
			continue
		}
		if f.Name = clean(f.Name); crm.SameName(f.Name, "email") {
			if typed == "" {
				typed = f.Value
			}
			continue
		}
		if s.Value(f.Name) == "" {
			s.Fields = append(s.Fields, f)
		}
	}
	if typed == "" {
		return s, &DecodeError{Missing, "email", "the field email is missing"}
	}
	if s.Email, err = crm.ParseEmail(typed); err != nil {
		return s, &DecodeError{Invalid, "email", "the field email " + err.Error()}
	}
	return s, nil
}

func decodeFields(contentType string, body []byte) ([]Field, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, &DecodeError{Unsupported, "", "the Content-Type is missing or unreadable"}
	}
	var fields []Field
	switch media {
	case "application/json":
		fields, err = decodeJSON(body)
	case "application/x-www-form-urlencoded":
		fields, err = decodeURLEncoded(body)
	case "multipart/form-data":
		fields, err = decodeMultipart(body, params["boundary"])
	default:
		return nil, &DecodeError{Unsupported, "", "the Content-Type must be application/json, application/x-www-form-urlencoded or multipart/form-data"}
	}
	if err != nil {
		return nil, &DecodeError{Malformed, "", fmt.Sprintf("the body is not %s: %v", media, err)}
	}
	return fields, nil
}

var (
	errNotObject = errors.New("it must be one object")
	errMany      = fmt.Errorf("it has more than %d fields", maxFields)
	errUnread    = errors.New("it cannot be read")
)

// decodeJSON flattens an object into fields by name. Numbers keep their
// digits; lists are joined, objects stay JSON.
func decodeJSON(body []byte) ([]Field, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || object == nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok || err == nil {
			return nil, errNotObject
		}
		return nil, errUnread
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	if len(object) > maxFields {
		return nil, errMany
	}
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(object)) {
		fields = append(fields, Field{name, flatten(object[name])})
	}
	return fields, nil
}

func flatten(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		var parts []string
		for _, part := range v {
			if text := flatten(part); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, ", ")
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return ""
	}
	return text.String()
}

func decodeURLEncoded(body []byte) ([]Field, error) {
	if bytes.Count(body, []byte("&")) >= maxFields {
		return nil, errMany
	}
	var fields []Field
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, errUnread
		}
		fields = join(fields, name, value)
	}
	return fields, nil
}

// decodeMultipart keeps the values of fields and the names of files.
func decodeMultipart(body []byte, boundary string) ([]Field, error) {
	if boundary == "" {
		return nil, errors.New("it has no boundary")
	}
	var fields []Field
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxFields {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return nil, errUnread
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, errUnread
		}
		text := string(value)
		if name := part.FileName(); name != "" {
			text = "file " + name
		}
		fields = join(fields, part.FormName(), text)
	}
	return nil, errMany
}

// join adds a field; a name that comes again, as checkboxes do, becomes a list.
func join(fields []Field, name, value string) []Field {
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return append(fields, Field{name, value})
	}
	if value != "" {
		fields[i].Value = strings.TrimPrefix(fields[i].Value+", "+value, ", ")
	}
	return fields
}

// clean trims a text and takes out what neither JSON nor a person can read.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s))
}
