package web

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/store"
)

// leadView is one delivery with all that it says.
type leadView struct {
	store.Lead
	State   stateView
	Form    string
	Who     string
	Said    form.Submission
	Reasons []string
	Held    bool
	Dead    bool
	Raw     string
	Binary  bool // the body is no text
}

func (s *site) showLead(w http.ResponseWriter, r *http.Request) {
	l, err := s.Leads.Lead(r.Context(), chi.URLParam(r, "id"))
	if errors.Is(err, store.ErrNotFound) {
		s.refuse(w, r, http.StatusNotFound, "This submission is not here", "Finished submissions are kept for "+crm.Span(s.Keep)+"; then only Notion has them.")
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := leadView{Lead: l, State: stateOf(l), Form: formLabel(l.Source), Who: s.leadRow(l).Who, Said: s.read(l.Delivery)}
	v.Held, v.Dead = l.State == crm.DeliveryHeld, l.State == crm.DeliveryDead && l.Job != 0
	v.Reasons = reasons(l.Reason)
	v.Raw, v.Binary = readable(l.Body)
	s.render(w, r, http.StatusOK, view{Page: "lead", Title: "Submission", Content: v})
}

// read decodes a delivery as far as that goes.
func (s *site) read(d crm.Delivery) form.Submission {
	f, ok := s.Forms[d.Source]
	if !ok {
		return form.Submission{Email: addressOf(d)}
	}
	said, err := f.Vendor.Decode(http.Header{}, d.ContentType, d.Body)
	if err != nil && said.Email == "" {
		said.Email = addressOf(d)
	}
	if said.Name == "" {
		said.Name = said.Value("name")
	}
	return said
}

// addressOf is the contact's key, where the delivery has one.
func addressOf(d crm.Delivery) string {
	if strings.Contains(d.Key, "@") {
		return d.Key
	}
	return ""
}

// readable is a body as text.
func readable(body []byte) (text string, binary bool) {
	return strings.ToValidUTF8(string(body), "�"), !utf8.Valid(body)
}

// doubts are the reasons for which a submission is held, in words.
var doubts = map[string]string{
	string(antispam.Origin):       "it did not come from a page of the form",
	string(antispam.TokenMissing): "it was posted without the form's script, as a program would",
	string(antispam.TokenInvalid): "its token is not one of this form",
	string(antispam.TokenExpired): "its page had been open for too long",
	string(antispam.TokenReused):  "its token was used before",
	string(antispam.TooFast):      "it was filled in faster than people type",
	string(antispam.Honeypot):     "a field was filled in that people do not see",
	string(antispam.NoWork):       "its browser did not do the small calculation that the form asks for",
	string(antispam.TooMany):      "many came from the same address at once",
	string(antispam.Captcha):      "the captcha was not solved",
}

// reasons are the words of a delivery's reason as sentences.
func reasons(words string) (found []string) {
	for word := range strings.FieldsSeq(words) {
		if text, ok := doubts[word]; ok {
			word = text
		}
		found = append(found, sentence(word))
	}
	return found
}
