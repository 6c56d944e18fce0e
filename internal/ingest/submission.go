package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/signature"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	acceptTimeout = 10 * time.Second
	retryAfter    = 5 * time.Second
	maxKeyLength  = 255

	// Requests that nobody signed are answered and kept only so fast, so that
	// strangers can neither fill the disk nor hide a wrong secret in a flood.
	strangerRate  = rate.Limit(5) // per second
	strangerBurst = 300
)

// submissions handles POST to the path of one form that is signed.
type submissions struct {
	desk
	strangers *rate.Limiter
	outdated  *rate.Sometimes // in the log: an old secret is still in use
}

func (s *submissions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, p := readBody(w, r, s.form.Vendor.MaxBody)
	if p == nil {
		p = s.verify(r, body)
	}
	if p == nil {
		p = s.take(w, r, body)
	}
	if p != nil {
		s.Counted(s.form.Name, strconv.Itoa(p.Status))
		p.write(w)
	}
}

func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *problem) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "the body must not be compressed")
	}
	body, err := wholeBody(w, r, most)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d KiB", most>>10))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, refuse(http.StatusRequestTimeout, "the body did not come in time")
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body could not be read")
	}
	return body, nil
}

// verify checks the signature over the raw body. A body that is not believed
// goes into the quarantine.
func (s *submissions) verify(r *http.Request, body []byte) *problem {
	used, err := s.form.Verify(r.Header, r.URL.Query(), body, time.Now())
	if err == nil {
		if used > 0 {
			s.outdated.Do(func() { s.Log.Warn("a sender still signs with an old secret", "form", s.form.Name, "secret", used+1) })
		}
		return nil
	}
	if !s.strangers.Allow() {
		return refuse(http.StatusTooManyRequests, "too many requests without a valid signature").after(retryAfter)
	}
	rejected := store.Rejected{
		ID: store.NewID(), Source: s.form.Name, Reason: err.Error(), ContentType: r.Header.Get("Content-Type"),
		Headers: map[string]string{}, Signed: s.form.Scheme.Signed(s.form.request(r.Header, r.URL.Query(), body)), Body: body,
	}
	for _, name := range append(s.form.Scheme.Headers(), "Idempotency-Key") {
		if value := r.Header.Get(name); value != "" {
			rejected.Headers[name] = value
		}
	}
	// A sender that goes away does not take its body with it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), acceptTimeout)
	defer cancel()
	if kept := s.Inbox.Quarantine(ctx, rejected); kept != nil {
		s.Log.Error("a rejected body could not be kept", "form", s.form.Name, "reason", err, "error", kept)
	} else {
		s.Log.Warn("body rejected and kept for 7 days", "form", s.form.Name, "reason", err, "id", rejected.ID,
			"hint", "if it is genuine, correct the form's secret and run: dealbell replay "+rejected.ID)
	}
	if errors.Is(err, signature.ErrNoSecret) { // the last one has run out: let the sender try again
		return refuse(http.StatusServiceUnavailable, "nobody can be believed at the moment, send it again").after(retryAfter)
	}
	return refuse(http.StatusUnauthorized, err.Error())
}

// take keeps what is believed.
func (s *submissions) take(w http.ResponseWriter, r *http.Request, body []byte) *problem {
	in, _, err := s.form.Intake(store.NewID(), r.Header, r.Header.Get("Content-Type"), body)
	if errors.Is(err, errIgnored) {
		s.answer(w, "ignored", "")
		return nil
	}
	if p := s.objection(in, err); p != nil {
		return p
	}
	receipt, p := s.accept(r.Context(), in)
	if p != nil {
		return p
	}
	if receipt.Verdict == store.Accepted && s.await(w, r, receipt.ID) {
		return nil
	}
	s.answer(w, receipt.Verdict.String(), receipt.ID)
	return nil
}

// desk is what all handlers of forms do: they keep submissions and answer.
type desk struct {
	Options
	form    Form
	waiting chan struct{} // holds one for each that waits for an outcome
}

// objection is the answer to a submission that its sender has to change.
func (d desk) objection(in store.Intake, err error) *problem {
	if refusal, ok := errors.AsType[*form.DecodeError](err); ok {
		return refuse(statuses[refusal.Problem], refusal.Detail).about(refusal.Field)
	}
	if d.form.own() && len(in.IdempotencyKey) > maxKeyLength {
		return refuse(http.StatusBadRequest, "the Idempotency-Key is longer than 255 characters")
	}
	return nil
}

// accept makes the delivery durable.
func (d desk) accept(ctx context.Context, in store.Intake) (store.Receipt, *problem) {
	// A client that goes away does not take its lead with it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acceptTimeout)
	defer cancel()
	receipt, err := d.Inbox.Accept(ctx, in)
	switch {
	case errors.Is(err, store.ErrHeldFull):
		return receipt, refuse(http.StatusTooManyRequests, "too many submissions wait for review, send it again later").after(time.Hour)
	case err != nil:
		d.Log.Error("a submission could not be stored; the sender was told to try again", "form", d.form.Name, "error", err)
		return receipt, refuse(http.StatusServiceUnavailable, "the submission could not be stored, send it again").after(retryAfter)
	}
	switch receipt.Verdict {
	case store.KeyReused:
		if d.form.own() {
			return receipt, refuse(http.StatusUnprocessableEntity, "the Idempotency-Key was used before with another body").about("Idempotency-Key")
		}
		receipt.Verdict = store.Duplicate // a vendor's id is the same in all tries, whatever else changes
	case store.Accepted:
		d.Wake()
		d.Log.Info("submission accepted", "form", d.form.Name, "id", receipt.ID)
	case store.Held:
		d.Log.Warn("submission held for review", "form", d.form.Name, "id", receipt.ID, "reason", receipt.Held,
			"hint", "look at it with dealbell replay --show "+receipt.ID+"; let it go on: dealbell replay "+receipt.ID)
	}
	return receipt, nil
}

// answer says that all is well, in the way that the sender expects.
func (d desk) answer(w http.ResponseWriter, status, id string) {
	d.Counted(d.form.Name, status)
	if status == store.Held.String() {
		status = store.Accepted.String() // who tries to get in does not learn what gave him away
	}
	writeJSON(w, d.form.Vendor.OKStatus, "application/json", answer{status, id})
}

type answer struct {
	Status string `json:"status"`
	ID     string `json:"id,omitempty"`
}
