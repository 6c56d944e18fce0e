package ingest

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/signature"
	"github.com/dealbell/dealbell/internal/store"
)

// Form is one route by which submissions come in: the website's own, that of a
// vendor, or one in the visitor's browser.
type Form struct {
	lead.Form
	Path   string
	Scheme signature.Scheme
	Keys   []signature.Key  // any of them may have signed
	Public *antispam.Policy // nil unless the visitor's browser sends it, which signs nothing
	// What a browser's form takes in a minute: of one client before it is held,
	// and of all before it is refused.
	PerClient, PerForm int
	// Turnstile vouches for visitors; nil where the form asks for no captcha.
	Turnstile *antispam.Turnstile
}

// Verify reports which key signed a request.
func (f Form) Verify(h http.Header, query url.Values, body []byte, now time.Time) (used int, err error) {
	return f.Scheme.Verify(f.request(h, query, body), f.Keys, now)
}

func (f Form) request(h http.Header, query url.Values, body []byte) signature.Request {
	return signature.Request{Method: http.MethodPost, Header: h, Query: query, Body: body}
}

// errIgnored says that an event is none that a form is about.
var errIgnored = errors.New("the event is no submission")

// Intake decodes a request that is believed as far as it takes to keep it.
// The own form's errors are [*form.DecodeError]; what a vendor sends is taken
// whatever it is, because no answer makes the vendor send something better: the
// job says what is wrong with it.
func (f Form) Intake(id string, h http.Header, contentType string, body []byte) (store.Intake, form.Submission, error) {
	in := store.Intake{Delivery: crm.Delivery{ID: id, Source: f.Name, Key: id, ContentType: contentType, Body: body}}
	arrival, err := f.Arrive(h, contentType, body)
	switch {
	case f.own() && err != nil:
		return in, arrival.Submission, err
	case f.own():
		in.IdempotencyKey = h.Get("Idempotency-Key")
	case len(f.Vendor.Events) > 0 && arrival.Kind != "" && !slices.Contains(f.Vendor.Events, arrival.Kind):
		return in, arrival.Submission, errIgnored
	default: // without an id an equal body is another submission tomorrow: people vote alike
		in.IdempotencyKey = arrival.ID
	}
	if arrival.Key != "" {
		in.Delivery.Key = arrival.Key
	}
	in.Job = f.Job(id, in.Delivery.Key)
	return in, arrival.Submission, nil
}

// own reports whether the sender is the operator's: it can be told what is
// wrong, and then send something better.
func (f Form) own() bool { return f.Vendor.Name == "own" }

var statuses = map[form.Problem]int{
	form.Malformed:   http.StatusBadRequest,
	form.Unsupported: http.StatusUnsupportedMediaType,
	form.Missing:     http.StatusBadRequest,
	form.Invalid:     http.StatusUnprocessableEntity,
}
