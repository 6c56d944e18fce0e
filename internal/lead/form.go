package lead

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
)

// Website is the name of the form that every Dealbell has: POST /lead.
const Website = "lead"

// Form is one way in, and where in Notion the submissions that take it go.
type Form struct {
	Name     string
	Vendor   form.Vendor
	Database string            // each submission becomes a row here; "" makes it a lead of Contacts
	Email    string            // field that holds the submitter's address; "" takes the vendor's word
	Fields   map[string]string // field -> property
	Values   map[string]string // property -> value that every new row gets
	Message  string            // the property of Contacts that messages fill; each is kept with its delivery as well
	Ours     func(string) bool // tells fields that are for Dealbell and no part of the lead; nil for none

	// Properties that get what is known beside the fields; "" for none.
	SubmittedAt string
	Submitter   string
	ID          string // the delivery's id: by it a row is found before it is made again
}

// StandardFields maps the fields that every website form may send to the
// standard properties of Contacts.
func StandardFields() map[string]string {
	return map[string]string{"name": "Name", "company": "Company", "message": "Notes", "utm_source": "Source"}
}

// StandardValues are what a new contact of the standard CRM starts with.
func StandardValues() map[string]string { return map[string]string{"Status": "New lead"} }

// errNoAddress says that a submission is no lead, because nobody can answer.
func (f Form) errNoAddress(cause error) error {
	what := "form " + f.Name + ": the submission has no field with an e-mail address"
	if f.Email != "" {
		what = fmt.Sprintf("form %s: the submission has no field %q with an e-mail address", f.Name, f.Email)
	}
	if cause != nil {
		what = fmt.Sprintf("form %s: the e-mail address of the submission %v", f.Name, cause)
	}
	return crm.WithHint(fmt.Errorf("%w: %s", crm.ErrInvalid, what),
		"name the field as email: of the form in the configuration file, restart, then retry the job")
}

// Arrival is a submission, and what has to be known of it to make it durable.
type Arrival struct {
	form.Submission
	Key string // the contact's key; "" when it is not clear whose it is, or there is no contact
}

// Arrive decodes a submission as far as that. The errors are
// [*form.DecodeError]; for the errors Missing and Invalid, which are about the
// e-mail address of a lead, the other answers hold as well.
func (f Form) Arrive(h http.Header, contentType string, body []byte) (Arrival, error) {
	s, err := f.Vendor.Decode(h, contentType, body)
	if err != nil {
		return Arrival{}, err
	}
	arrival := Arrival{Submission: s}
	if f.Database != "" {
		return arrival, nil
	}
	field := cmp.Or(f.Email, "email")
	typed := f.address(s)
	if typed == "" {
		return arrival, &form.DecodeError{Problem: form.Missing, Field: field, Detail: "the field " + field + " is missing"}
	}
	email, err := crm.ParseEmail(typed)
	if err != nil {
		return arrival, &form.DecodeError{Problem: form.Invalid, Field: field, Detail: "the field " + field + " " + err.Error()}
	}
	arrival.Key = email.Key
	return arrival, nil
}

// address returns the submitter's e-mail address as typed.
func (f Form) address(s form.Submission) string {
	if f.Email != "" {
		return s.Value(f.Email)
	}
	return s.Email
}

// Job returns the job that works on an accepted delivery of the form: one that
// came with the key of a contact, or with its own id as the key. The key of the
// job is that of the delivery.
func (f Form) Job(delivery, key string) crm.Job {
	switch {
	case key != delivery:
		return UpsertJob(key)
	case f.Database != "":
		return crm.Job{Kind: KindRow, Lane: crm.Live, Key: delivery, Unique: delivery}
	}
	return crm.Job{Kind: KindAddress, Lane: crm.Live, Key: delivery, Unique: delivery}
}

// Job returns the job that works on a delivery, by the form that it came in
// by.
func (s *Service) Job(d crm.Delivery) crm.Job { return s.o.Forms[d.Source].Job(d.ID, d.Key) }

// form finds the form of a delivery.
func (s *Service) form(d crm.Delivery) (Form, error) {
	f, ok := s.o.Forms[d.Source]
	if !ok {
		return f, crm.WithHint(fmt.Errorf("%w: delivery %s came by the form %q, which is no longer configured", crm.ErrInvalid, d.ID, d.Source),
			"put the form back into the configuration file, restart, then retry the job")
	}
	return f, nil
}

// lead is a delivery with what it says.
type lead struct {
	form.Submission
	delivery crm.Delivery
	form     Form
	email    crm.Email // of a lead of Contacts
}

// read turns a delivery into a lead.
func (s *Service) read(d crm.Delivery) (lead, error) {
	f, err := s.form(d)
	if err != nil {
		return lead{}, err
	}
	submission, err := f.Vendor.Decode(http.Header{}, d.ContentType, d.Body)
	if err != nil {
		return lead{}, fmt.Errorf("%w: decode delivery %s: %w", crm.ErrInvalid, d.ID, err)
	}
	submission.Fields = slices.DeleteFunc(answers(submission), func(field form.Field) bool { return f.Ours != nil && f.Ours(field.Name) })
	return lead{Submission: submission, delivery: d, form: f}, nil
}

// answers are all fields, with the address among them: it may not be the
// submitter's, and a row has no other place for it.
func answers(s form.Submission) []form.Field {
	address := s.EmailFrom
	if address.Value == "" {
		address = form.Field{Name: "Email", Value: s.Email} // the vendor's own knowledge
	}
	if address.Value == "" {
		return s.Fields
	}
	return append([]form.Field{address}, s.Fields...)
}

// readLead turns a delivery into a lead of Contacts.
func (s *Service) readLead(d crm.Delivery) (lead, error) {
	l, err := s.read(d)
	if err != nil {
		return lead{}, err
	}
	typed := l.form.address(l.Submission)
	if typed == "" {
		return lead{}, l.form.errNoAddress(nil)
	}
	if l.email, err = crm.ParseEmail(typed); err != nil {
		return lead{}, l.form.errNoAddress(err)
	}
	return l, nil
}

// readAll turns deliveries into leads of one contact. Those that are none, or
// no longer are because the configuration was changed since they came, stray:
// they must not hold up the others.
func (s *Service) readAll(deliveries []crm.Delivery, key string) (leads []lead, strays []crm.Delivery) {
	for _, d := range deliveries {
		if l, err := s.readLead(d); err == nil && l.form.Database == "" && l.email.Key == key {
			leads = append(leads, l)
		} else {
			strays = append(strays, d)
		}
	}
	return leads, strays
}

// redirect gives each stray a job of its own, which finds out where it belongs
// or says what is wrong with it.
func (s *Service) redirect(strays []crm.Delivery) crm.Commit {
	var c crm.Commit
	for _, d := range strays {
		d.Key = d.ID
		c.Addressed = append(c.Addressed, crm.Addressed{Delivery: d.ID, Key: d.ID})
		c.Jobs = append(c.Jobs, s.Job(d))
	}
	return c
}

// when is the moment of the submission, by the vendor's clock where it tells.
func (l lead) when() time.Time {
	if l.At.IsZero() {
		return l.delivery.ReceivedAt
	}
	return l.At
}

// label says in a note where a message came from.
func (l lead) label() string {
	if l.form.Name == Website {
		return "website form"
	}
	return "form " + l.form.Name
}

// submitter names the person: the address where there is one.
func (l lead) submitter() string { return cmp.Or(l.form.address(l.Submission), l.Name) }

// about is the property that a field goes to, if it has one of its own.
func (f Form) about(field form.Field) (property string, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		if field.Is(name) {
			return f.Fields[name], true
		}
	}
	return "", false
}

// properties lists the names that the form uses in its database.
func (f Form) properties() []string {
	names := []string{f.SubmittedAt, f.Submitter, f.ID}
	names = slices.AppendSeq(names, maps.Values(f.Fields))
	return slices.AppendSeq(names, maps.Keys(f.Values))
}
