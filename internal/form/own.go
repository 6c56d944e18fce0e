package form

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// decodeOwn reads a form of one's own website: JSON, urlencoded or multipart.
func decodeOwn(r request) (Submission, error) {
	fields, err := ownFields(r.contentType, r.body)
	if err != nil {
		return Submission{}, err
	}
	s := Submission{}
	for _, f := range fields {
		if f.Name, f.Value = clean(f.Name), clean(f.Value); f.Value == "" {
			continue
		}
		if crm.SameName(f.Name, "email") {
			if s.Email == "" {
				s.Email, s.EmailFrom = f.Value, f
			}
			continue
		}
		if s.Value(f.Name) == "" {
			s.Fields = append(s.Fields, f)
		}
	}
	for i, f := range s.Fields {
		s.Fields[i].Name = label(f.Name)
	}
	s.Name = s.Value("name")
	return s, nil
}

func ownFields(contentType string, body []byte) ([]Field, error) {
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
		return nil, malformed(media, err)
	}
	return fields, nil
}

// decodeJSON flattens an object into fields by name. Numbers keep their
// digits.
func decodeJSON(body []byte) ([]Field, error) {
	v, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	if len(v.items) > maxFields {
		return nil, errMany
	}
	v = v.sorted()
	var fields []Field
	for i, name := range v.members {
		fields = append(fields, Field{Name: name, Value: v.items[i].String()})
	}
	return fields, nil
}

func decodeURLEncoded(body []byte) ([]Field, error) {
	if bytes.Count(body, []byte("&")) >= maxFields {
		return nil, errMany
	}
	var j joined
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
		j.add(name, value)
	}
	return j.fields(), nil
}

// decodeMultipart keeps the values of fields and the names of files.
func decodeMultipart(body []byte, boundary string) ([]Field, error) {
	if boundary == "" {
		return nil, errors.New("it has no boundary")
	}
	var j joined
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxFields {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return j.fields(), nil
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
		j.add(part.FormName(), text)
	}
	return nil, errMany
}

// joined collects fields; a name that comes again, as checkboxes do, becomes
// a list.
type joined struct {
	names  []string
	values [][]string
}

func (j *joined) add(name, value string) {
	i := slices.Index(j.names, name)
	if i < 0 {
		i = len(j.names)
		j.names, j.values = append(j.names, name), append(j.values, nil)
	}
	if value != "" {
		j.values[i] = append(j.values[i], value)
	}
}

func (j *joined) fields() []Field {
	var fields []Field
	for i, name := range j.names {
		fields = append(fields, Field{Name: name, Value: strings.Join(j.values[i], ", ")})
	}
	return fields
}
