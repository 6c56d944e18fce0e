// Package signature verifies that a request was signed by somebody who knows
// a secret.
//
// A sender's way of signing is a Scheme, which is data; there is one verifier
// for all of them. It promises constant-time comparison, to fail closed when
// no secret is set, and never to reveal the signature it expected. It does no
// input or output and keeps no state: replay protection beyond the timestamp
// belongs to the caller.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
)

// The reasons for refusing a request.
var (
	ErrNoSecret  = errors.New("no secret is configured")
	ErrMissing   = errors.New("the signature is missing")
	ErrMismatch  = errors.New("the signature does not match")
	ErrTimestamp = errors.New("the timestamp is not a Unix time in seconds")
	ErrExpired   = errors.New("the timestamp is too far from now")
)

// Scheme is how a sender signs: HMAC-SHA256 in hex over the raw body, or over
// "{timestamp}.{body}" where a timestamp header is sent.
type Scheme struct {
	Header    string        // carries the signature
	Prefix    string        // may stand before the hex digits
	Timestamp string        // optional header with Unix seconds; "" when the scheme has none
	Tolerance time.Duration // how far the timestamp may be from now, either way
}

// Form signs the leads of one's own website form.
var Form = Scheme{
	Header:    "X-Form-Signature",
	Prefix:    "sha256=",
	Timestamp: "X-Form-Timestamp",
	Tolerance: 300 * time.Second,
}

// Notion signs webhook events with the verification token of their
// subscription (https://developers.notion.com/reference/webhooks). It signs
// no time: replays are told by the event's id.
var Notion = Scheme{Header: "X-Notion-Signature", Prefix: "sha256="}

// Verify checks the headers and the raw body of a request against the
// secrets, any of which may have signed it. It returns nil or one of the
// errors of this package.
func (s Scheme) Verify(h http.Header, body []byte, secrets []secret.String, now time.Time) error {
	given := h.Get(s.Header)
	if strings.TrimSpace(given) == "" {
		return ErrMissing
	}
	timestamp, err := s.timestamp(h, now)
	if err != nil {
		return err
	}
	return s.compare(given, timestamp, body, secrets)
}

func (s Scheme) timestamp(h http.Header, now time.Time) (string, error) {
	if s.Timestamp == "" || len(h.Values(s.Timestamp)) == 0 {
		return "", nil
	}
	text := h.Get(s.Timestamp)
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return "", ErrTimestamp
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > s.Tolerance || age < -s.Tolerance {
		return "", ErrExpired
	}
	return text, nil
}

func (s Scheme) compare(given, timestamp string, body []byte, secrets []secret.String) error {
	digits := strings.TrimPrefix(strings.TrimSpace(given), s.Prefix)
	mac, err := hex.DecodeString(digits)
	if err != nil || len(mac) != sha256.Size {
		return ErrMismatch
	}
	usable, matched := false, false
	for _, key := range secrets {
		if key.Empty() {
			continue
		}
		usable = true
		if hmac.Equal(mac, sum(key, timestamp, body)) {
			matched = true
		}
	}
	switch {
	case !usable:
		return ErrNoSecret
	case !matched:
		return ErrMismatch
	}
	return nil
}

// Sign returns the header value for a body; timestamp is "" for none.
func (s Scheme) Sign(key secret.String, timestamp string, body []byte) string {
	return s.Prefix + hex.EncodeToString(sum(key, timestamp, body))
}

func sum(key secret.String, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	if timestamp != "" {
		h.Write([]byte(timestamp + "."))
	}
	h.Write(body)
	return h.Sum(nil)
}
