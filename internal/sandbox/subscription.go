package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// SubscriptionOptions shapes a webhook subscription.
type SubscriptionOptions struct {
	// URL is where events are posted.
	URL string
	// Transport carries them. Default http.DefaultTransport.
	Transport http.RoundTripper
	// Version is the API version of the payloads. Default "2025-09-03".
	Version string
	// EventTypes are the types that were ticked; nil is all.
	EventTypes []string
	// Plan is how well events travel. The zero value delivers each of them at
	// once, once and in order.
	Plan DeliveryPlan
	// Timeout is how long an answer is waited for. Default 10 s.
	Timeout time.Duration
	// UnsignedHandshake leaves the signature off the handshake: it is not known
	// which of the two Notion does.
	UnsignedHandshake bool
}

// DeliveryPlan is how events travel. Chances are 0 to 1, drawn from the seed
// of the workspace.
type DeliveryPlan struct {
	// Drop loses an event for good.
	Drop float64
	// Duplicate sends an event a second time although it was acknowledged, as
	// when the acknowledgement got lost: same id, next attempt number.
	Duplicate float64
	// Reorder holds an event back for up to half a minute, so that later ones
	// pass it.
	Reorder float64
	// Delay is how long every event takes.
	Delay Span
	// Aggregate is the window within which what happens to one page becomes
	// one event, or none when the page ends as it began. Default none: each
	// change is an event.
	Aggregate time.Duration
}

// Span is a range of durations.
type Span struct{ Min, Max time.Duration }

// Subscription is one webhook subscription of the connection. Nothing is sent
// by itself: either Run works in a goroutine of the caller, or Deliver and
// Flush are called where a test wants them. What happens while a subscription
// is not active is never sent.
type Subscription struct {
	w    *Workspace
	opts SubscriptionOptions
	id   string

	// The lock of the workspace guards everything below.
	rng        *rand.Rand
	token      string
	active     bool
	events     int // ever made
	pending    []*event
	deliveries []EventDelivery
	wake       chan struct{} // tells Run of a new event
}

// Subscribe adds a webhook subscription, as a person does in the settings of
// the connection. It waits to be verified and activated.
func (w *Workspace) Subscribe(o SubscriptionOptions) *Subscription {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Version == "" {
		o.Version = version2025
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.subscriptions)
	s := &Subscription{
		w: w, opts: o, wake: make(chan struct{}, 1),
		id:  derivedID("subscription "+strconv.FormatUint(w.opts.Seed, 10), n),
		rng: rand.New(rand.NewPCG(w.opts.Seed, 100+uint64(n))),
	}
	s.token = "secret_" + word(s.rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 43)
	w.subscriptions = append(w.subscriptions, s)
	return s
}

// word draws letters.
func word(rng *rand.Rand, letters string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}

// ID is the subscription_id of the payloads.
func (s *Subscription) ID() string { return s.id }

// Token is the verification token, which is also the key of the signatures.
func (s *Subscription) Token() string { return s.token }

// Verify sends the handshake with the token. Any answer but 2xx is an error.
func (s *Subscription) Verify(ctx context.Context) error {
	body, err := json.Marshal(map[string]string{"verification_token": s.token})
	if err != nil {
		return err
	}
	req, err := s.Request(ctx, body)
	if err != nil {
		return err
	}
	if s.opts.UnsignedHandshake {
		req.Header.Del(signatureHeader)
	}
	status, err := s.post(req)
	if err != nil {
		return fmt.Errorf("verify subscription: %w", err)
	}
	if status/100 != 2 {
		return fmt.Errorf("verify subscription: %s answered %d", s.opts.URL, status)
	}
	return nil
}

// Resend is the button that repeats the handshake.
func (s *Subscription) Resend(ctx context.Context) error { return s.Verify(ctx) }

// Activate is what pasting the token does: from now on, events are sent.
func (s *Subscription) Activate() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.active = true
}

// Pause stops the subscription and forgets what waits to be sent.
func (s *Subscription) Pause() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.active, s.pending = false, nil
}

const signatureHeader = "X-Notion-Signature"

// SignBody is the X-Notion-Signature of a body under a verification token.
func SignBody(token string, body []byte) string { return "sha256=" + sign(token, body) }

// Request builds a signed request to the subscriber with any body.
func (s *Subscription) Request(ctx context.Context, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.opts.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("build event: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "notion-api")
	req.Header.Set(signatureHeader, SignBody(s.token, body))
	return req, nil
}

// EventDelivery is one attempt to deliver an event, or its loss.
type EventDelivery struct {
	At       time.Time
	EventID  string
	Type     string
	EntityID string // the page, or the data source or database of a schema
	Attempt  int    // 0 of a dropped event
	Status   int    // 0 when there was no answer
	Err      error  // of the connection
	Body     []byte
	// Dropped events are never sent; Duplicate ones had been acknowledged.
	Dropped, Duplicate bool
}

// Deliveries lists every attempt in order.
func (s *Subscription) Deliveries() []EventDelivery {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return append([]EventDelivery(nil), s.deliveries...)
}
