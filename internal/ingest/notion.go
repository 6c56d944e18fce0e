package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

const (
	notionSource = "notion"
	// An event that names many blocks is long, and Notion pauses a
	// subscription whose events are refused.
	maxEvent = 1 << 20
	// Longer than any verification token that was seen.
	maxToken = 512
	// Notion's last try is about 24 hours after the first.
	oldestEvent = 36 * time.Hour
)

// Hooks makes webhook events durable and keeps the tokens that sign them.
type Hooks interface {
	HookTokens(ctx context.Context) ([]string, error)
	Handshake(ctx context.Context, token string) (taken bool, err error)
	Receive(ctx context.Context, e crm.Event, job crm.Job) (fresh bool, err error)
}

var errUnawaited = errors.New("no handshake is awaited")

// events handles POST /notion-webhook.
type events struct {
	Options
	strangers *rate.Limiter
	refusals  *rate.Sometimes // in the log
}

// envelope is what has to be known of a body to answer it.
type envelope struct {
	ID    string    `json:"id"`
	Type  string    `json:"type"`
	At    time.Time `json:"timestamp"`
	Token string    `json:"verification_token"`
}

func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, p := readBody(w, r, maxEvent)
	status := ""
	if p == nil {
		status, p = e.take(r, body)
	}
	if p != nil {
		e.Counted(notionSource, strconv.Itoa(p.Status))
		p.write(w)
		return
	}
	e.Counted(notionSource, status)
	writeJSON(w, http.StatusOK, "application/json", struct {
		Status string `json:"status"`
	}{status})
}

// take believes a body that a known token signed, and a handshake that is
// awaited.
func (e *events) take(r *http.Request, body []byte) (status string, p *problem) {
	// A peer that goes away does not take its event with it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), acceptTimeout)
	defer cancel()
	stored, err := e.Hooks.HookTokens(ctx)
	if err != nil {
		return "", e.unable(err)
	}
	tokens := []secret.String{e.Token}
	for _, t := range stored {
		tokens = append(tokens, secret.New(t))
	}
	var said envelope
	understood := json.Unmarshal(body, &said) == nil
	switch _, err := signature.Notion.Verify(signature.Request{Header: r.Header, Body: body}, signature.Keys(tokens...), time.Now()); {
	case err == nil && said.Token != "":
		return "verified", nil // the handshake of a token that is known, once more
	case err == nil:
		return e.receive(ctx, said, body)
	case understood && said.Token != "" && len(said.Token) <= maxToken:
		return e.handshake(ctx, r.Header, said.Token, body, err)
	default:
		return "", e.refuse(err, "compare the token with Notion's: dealbell webhook status")
	}
}

// receive makes an event durable. One whose id was seen before, or that says
// nothing that is understood, is as welcome as any other: Notion pauses a
// subscription whose events are refused.
func (e *events) receive(ctx context.Context, said envelope, body []byte) (string, *problem) {
	if said.ID == "" {
		sum := sha256.Sum256(body)
		said.ID = hex.EncodeToString(sum[:])
	}
	// A clock ahead of ours must not outlive our own looks, and one that is
	// further behind than Notion ever tries is none.
	if now := time.Now(); said.At.After(now) || said.At.Before(now.Add(-oldestEvent)) {
		said.At = now
	}
	fresh, err := e.Hooks.Receive(ctx, crm.Event{ID: said.ID, Type: said.Type, At: said.At, Body: body}, poll.EventJob())
	switch {
	case err != nil:
		return "", e.unable(err)
	case !fresh:
		return "duplicate", nil
	}
	e.Wake()
	e.Log.Debug("event received", "id", said.ID, "type", said.Type)
	return "received", nil
}

// handshake stores the token of a new subscription. Anybody can send one, so
// it takes an operator who expects it, and it replaces nothing.
func (e *events) handshake(ctx context.Context, h http.Header, token string, body []byte, cause error) (string, *problem) {
	const again = "to let a new subscription in, run: dealbell webhook arm"
	// Notion's documentation does not say whether it is signed.
	_, err := signature.Notion.Verify(signature.Request{Header: h, Body: body}, signature.Keys(secret.New(token)), time.Now())
	if err != nil && !errors.Is(err, signature.ErrMissing) {
		return "", e.refuse(cause, again)
	}
	taken, err := e.Hooks.Handshake(ctx, token)
	switch {
	case err != nil:
		return "", e.unable(err)
	case !taken:
		return "", e.refuse(errUnawaited, again)
	}
	e.Log.Info("a verification token of Notion is stored", "hint", "show it and paste it into Notion: dealbell webhook status")
	return "verified", nil
}

func (e *events) unable(err error) *problem {
	e.Log.Error("a webhook event could not be stored; Notion was told to try again", "error", err)
	return refuse(http.StatusServiceUnavailable, "the event could not be stored, send it again").after(retryAfter)
}

func (e *events) refuse(cause error, hint string) *problem {
	if !e.strangers.Allow() {
		return refuse(http.StatusTooManyRequests, "too many requests without a valid signature").after(retryAfter)
	}
	e.refusals.Do(func() { e.Log.Warn("webhook request refused", "reason", cause, "hint", hint) })
	return refuse(http.StatusUnauthorized, cause.Error())
}
