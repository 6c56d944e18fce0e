// Package signature verifies that a request was signed by somebody who knows
// a secret.
//
// A sender's way of signing is a Scheme, which is a row of one table; there is
// one verifier for all of them. It promises constant-time comparison, to fail
// closed when no secret is set, and never to reveal the signature it expected.
// It looks at the bytes that came and never at what they mean. It does no
// input or output and keeps no state: replay protection beyond the timestamp
// belongs to the caller.
package signature

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
)

// The reasons for refusing a request. None of them depends on how much of a
// signature was right.
var (
	ErrMissing   = errors.New("the signature is missing")
	ErrRepeated  = errors.New("a header of the signature was sent more than once")
	ErrNoSecret  = errors.New("no secret is configured")
	ErrNoURL     = errors.New("no public URL is configured, and the sender signs it")
	ErrID        = errors.New("the id that is signed with the body is missing or malformed")
	ErrTimestamp = errors.New("the timestamp is missing or not a Unix time in the sender's unit")
	ErrExpired   = errors.New("the timestamp is too far from now")
	ErrMismatch  = errors.New("the signature does not match")
)

// Request is what a sender may have signed.
type Request struct {
	Method string
	URL    string // the public one that the sender called, from the configuration and never from Host; see Scheme.SignsURL
	Header http.Header
	Query  url.Values // a static token may be in it
	Body   []byte     // as it came
}

// Key is one of the secrets that may have signed.
type Key struct {
	Secret secret.String
	Until  time.Time // the key is refused from then on; zero for no end
}

// Keys are keys without an end.
func Keys(secrets ...secret.String) []Key {
	keys := make([]Key, len(secrets))
	for i, s := range secrets {
		keys[i].Secret = s
	}
	return keys
}

// Verify tells which of the keys signed the request. The error is one of this
// package's, and used is -1 with it.
func (s Scheme) Verify(r Request, keys []Key, now time.Time) (used int, err error) {
	g, err := s.read(r)
	if err != nil {
		return -1, err
	}
	materials := s.usable(keys, now)
	if materials == nil {
		return -1, ErrNoSecret
	}
	if err := s.check(r, g, now); err != nil {
		return -1, err
	}
	used = -1
	for i, key := range materials {
		if key != nil && g.holds(s.sum(key, r, g)) && used < 0 {
			used = i
		}
	}
	if used < 0 {
		return -1, ErrMismatch
	}
	return used, nil
}

// usable returns what stands for each of the keys, nil for one that may not
// sign now; nil if none may.
func (s Scheme) usable(keys []Key, now time.Time) [][]byte {
	materials, some := make([][]byte, len(keys)), false
	for i, k := range keys {
		material, err := s.material(k.Secret)
		if err == nil && (k.Until.IsZero() || now.Before(k.Until)) {
			materials[i], some = material, true
		}
	}
	if !some {
		return nil
	}
	return materials
}

// check looks at everything but the signature.
func (s Scheme) check(r Request, g given, now time.Time) error {
	switch {
	case s.SignsURL() && r.URL == "":
		return ErrNoURL
	case s.signs("id") && !s.fits(g.id, r.Body):
		return ErrID
	case s.noNUL && hasNUL(r.Body):
		return ErrMismatch
	case g.timed:
		return s.clock.check(g.timestamp, now)
	case s.untimed != "" && looksTimed(r.Body):
		// The stamp of a signed request that has expired was moved from its
		// header to the front of the body.
		return ErrMismatch
	}
	return nil
}
