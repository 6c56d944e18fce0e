package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/signature"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	source        = "lead" // the form's name
	acceptTimeout = 10 * time.Second
	retryAfter    = 5 * time.Second
	maxWait       = 30 * time.Second
	maxKeyLength  = 255

	// Requests that nobody signed are answered and kept only so fast, so that
	// strangers can neither fill the disk nor hide a wrong secret in a flood.
	strangerRate  = rate.Limit(5) // per second
	strangerBurst = 300
)

// leads handles POST /lead.
type leads struct {
	Options
	strangers *rate.Limiter
	waiting   chan struct{} // holds one for each that waits for an outcome
}

func (l *leads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, p := readBody(w, r, maxBody)
	if p == nil {
		p = l.verify(r, body)
	}
	var in store.Intake
	if p == nil {
		in, p = intake(r, body)
	}
	if p == nil {
		p = l.accept(w, r, in)
	}
	if p != nil {
		l.Counted(source, strconv.Itoa(p.Status))
		p.write(w)
	}
}

func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *problem) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "the body must not be compressed")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d KiB", most>>10))
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body could not be read")
	}
	return body, nil
}

// verify checks the signature over the raw body. A body that is not believed
// goes into the quarantine.
func (l *leads) verify(r *http.Request, body []byte) *problem {
	err := signature.Form.Verify(r.Header, body, l.Secrets, time.Now())
	if err == nil {
		return nil
	}
	if !l.strangers.Allow() {
		return refuse(http.StatusTooManyRequests, "too many requests without a valid signature").after(retryAfter)
	}
	rejected := store.Rejected{
		ID: store.NewID(), Source: source, Reason: err.Error(), ContentType: r.Header.Get("Content-Type"),
		Headers: map[string]string{}, Signed: r.Header.Get(signature.Form.Header) != "", Body: body,
	}
	for _, name := range []string{signature.Form.Header, signature.Form.Timestamp, "Idempotency-Key"} {
		if value := r.Header.Get(name); value != "" {
			rejected.Headers[name] = value
		}
	}
	if kept := l.Inbox.Quarantine(r.Context(), rejected); kept != nil {
		l.Log.Error("a rejected body could not be kept", "reason", err, "error", kept)
	} else {
		l.Log.Warn("body rejected and kept for 7 days", "reason", err, "id", rejected.ID,
			"hint", "if it is yours, correct FORM_SECRET and run: dealbell replay "+rejected.ID)
	}
	return refuse(http.StatusUnauthorized, err.Error())
}

// intake decodes the body as far as an answer needs it.
func intake(r *http.Request, body []byte) (store.Intake, *problem) {
	contentType := r.Header.Get("Content-Type")
	submission, err := lead.Decode(contentType, body)
	if refusal, ok := errors.AsType[*lead.DecodeError](err); ok {
		return store.Intake{}, refuse(statuses[refusal.Problem], refusal.Detail).about(refusal.Field)
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKeyLength {
		return store.Intake{}, refuse(http.StatusBadRequest, "the Idempotency-Key is longer than 255 characters")
	}
	return store.Intake{
		Delivery: crm.Delivery{
			ID: store.NewID(), Source: source, Key: submission.Email.Key, ContentType: contentType, Body: body,
		},
		IdempotencyKey: key,
		Job:            lead.UpsertJob(submission.Email.Key),
	}, nil
}

var statuses = map[lead.Problem]int{
	lead.Malformed:   http.StatusBadRequest,
	lead.Unsupported: http.StatusUnsupportedMediaType,
	lead.Missing:     http.StatusBadRequest,
	lead.Invalid:     http.StatusUnprocessableEntity,
}

// accept makes the delivery durable and answers.
func (l *leads) accept(w http.ResponseWriter, r *http.Request, in store.Intake) *problem {
	ended, stop := l.Inbox.Watch(in.Delivery.ID)
	defer stop()
	// A client that goes away does not take its lead with it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), acceptTimeout)
	defer cancel()
	receipt, err := l.Inbox.Accept(ctx, in)
	if err != nil {
		l.Log.Error("a lead could not be stored; the sender was told to try again", "error", err)
		return refuse(http.StatusServiceUnavailable, "the lead could not be stored, send it again").after(retryAfter)
	}
	answer := answer{Status: "accepted", ID: receipt.ID}
	switch receipt.Verdict {
	case store.KeyReused:
		return refuse(http.StatusUnprocessableEntity, "the Idempotency-Key was used before with another body").about("Idempotency-Key")
	case store.Duplicate:
		answer.Status = "duplicate"
	case store.Accepted:
		l.Wake()
		l.Log.Info("lead accepted", "id", receipt.ID)
		if wait := preferredWait(r.Header); wait > 0 && l.await(r.Context(), w, receipt.ID, ended, wait) {
			return nil
		}
	}
	l.Counted(source, answer.Status)
	writeJSON(w, http.StatusAccepted, "application/json", answer)
	return nil
}

type answer struct {
	Status string `json:"status"`
	ID     string `json:"id"`
}

// await answers with the outcome when the lead is in Notion in time.
func (l *leads) await(ctx context.Context, w http.ResponseWriter, id string, ended <-chan struct{}, wait time.Duration) bool {
	select {
	case l.waiting <- struct{}{}:
		defer func() { <-l.waiting }()
	default:
		return false // they must not keep others from being taken
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		return false
	case <-ctx.Done():
		return false
	case <-l.Draining:
		return false
	}
	result, _, err := l.Inbox.Result(ctx, id)
	if err != nil || result.State != crm.DeliveryDone {
		return false
	}
	l.Counted(source, "accepted")
	w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait.Seconds())))
	writeJSON(w, http.StatusOK, "application/json", answer{string(result.Outcome), result.Page})
	return true
}

// preferredWait reads "Prefer: wait=N" (RFC 7240), N in seconds.
func preferredWait(h http.Header) time.Duration {
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			seconds, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if strings.EqualFold(strings.TrimSpace(name), "wait") && err == nil && seconds > 0 {
				return min(time.Duration(min(seconds, 60))*time.Second, maxWait)
			}
		}
	}
	return 0
}
