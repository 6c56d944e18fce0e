package form

import (
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// draft is a submission as its vendor says it.
type draft struct {
	id, title, kind, at string
	email, name         string // of the submitter, where the vendor knows them besides the answers
	answers             []answer
}

// answer is a field with what the vendor says about it.
type answer struct {
	Field
	role role
}

type role int

const (
	given   role = iota
	address      // the vendor's own type of field for an email
	hidden       // nobody typed it: a hidden field, a parameter of the page
)

func (d *draft) add(r role, name, value string, keys ...string) {
	d.answers = append(d.answers, answer{Field{name, keys, value}, r})
}

// addMembers takes each member of an object as an answer.
func (d *draft) addMembers(r role, v value) {
	for i, name := range v.members {
		d.add(r, name, v.items[i].plain())
	}
}

// maxID is what an Idempotency-Key may have, which an id is used like.
const maxID = 255

// submission cleans a draft and finds out whom it is about.
func (d draft) submission() (Submission, error) {
	var answers []answer
	for _, a := range d.answers {
		if a.Value = clean(a.Value); a.Value == "" {
			continue
		}
		if len(answers) == maxFields {
			return Submission{}, malformed("a submission", errMany)
		}
		answers = append(answers, answer{named(a.Field), a.role})
	}
	s := Submission{
		ID: clean(d.id), At: moment(d.at), Title: label(d.title), Kind: label(d.kind), Email: clean(d.email), Name: nameOf(answers),
	}
	if len(s.ID) > maxID {
		s.ID = ""
	}
	if known := label(d.name); known != "" {
		s.Name = known
	}
	if i := emailOf(answers, s.Email); i >= 0 {
		s.EmailFrom = answers[i].Field
		s.Email = s.EmailFrom.Value
		answers = slices.Delete(answers, i, i+1)
	}
	for _, a := range answers {
		s.Fields = append(s.Fields, a.Field)
	}
	return s, nil
}

// named cleans the names of a field. One without a label goes by its key.
func named(f Field) Field {
	var keys []string
	f.Name = label(f.Name)
	for _, key := range f.Keys {
		if key = label(key); key == "" || crm.SameName(key, f.Name) {
			continue
		}
		if f.Name == "" {
			f.Name = key
			continue
		}
		keys = append(keys, key)
	}
	if f.Name == "" {
		f.Name = "unnamed"
	}
	return Field{f.Name, keys, f.Value}
}

// moment reads a time as vendors write it; without a zone it is UTC.
func moment(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 0 {
			return at.UTC()
		}
	}
	return time.Time{}
}

// readObject reads a body that is one JSON object, whatever its Content-Type
// says: the vendors of this package send nothing else.
func readObject(body []byte) (value, error) {
	v, err := parseObject(body)
	if err != nil {
		return value{}, malformed("application/json", err)
	}
	return v, nil
}

// lacking says that a body is not what the vendor sends.
func lacking(vendor, part string) error {
	return malformed("a webhook of "+vendor, fmt.Errorf("it has no %s", part))
}
