package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// maxSignatures bounds how many parts of a header are looked at. A sender
// whose secrets are rotated sends two or three.
const maxSignatures = 16

// given is what a request says about itself.
type given struct {
	macs      [][]byte
	timestamp string
	timed     bool
	id        string
}

// holds compares every signature, whether one was found already or not.
func (g given) holds(expected []byte) bool {
	found := false
	for _, mac := range g.macs {
		if hmac.Equal(mac, expected) {
			found = true
		}
	}
	return found
}

// read takes the headers apart. A header that was sent twice is refused: which
// of the two counts is something that others may see differently.
func (s Scheme) read(r Request) (given, error) {
	names, values := s.sent(r)
	switch {
	case len(values) > 1:
		return given{}, ErrRepeated
	case len(values) == 0, strings.TrimSpace(values[0]) == "", strings.TrimSpace(values[0]) == s.unsigned:
		return given{}, ErrMissing
	}
	g := given{timed: s.signs("timestamp") && s.untimed == ""}
	stamps := s.split(values[0], &g)
	if names.timestamp != "" {
		stamps = r.Header.Values(names.timestamp)
	}
	ids := r.Header.Values(names.id)
	if len(stamps) > 1 || len(ids) > 1 {
		return given{}, ErrRepeated
	}
	if len(stamps) == 1 {
		g.timestamp, g.timed = stamps[0], true
	}
	if len(ids) == 1 {
		g.id = ids[0]
	}
	return g, nil
}

// sent finds the alternative that the request uses, and its signature.
func (s Scheme) sent(r Request) (names headers, values []string) {
	for _, names = range s.headers {
		if values = r.Header.Values(names.signature); len(values) > 0 {
			return names, values
		}
	}
	if s.query != "" {
		return headers{}, r.Query[s.query]
	}
	return headers{}, nil
}

// split adds the signatures of a header to g and returns the timestamps that
// stand among them.
func (s Scheme) split(value string, g *given) (stamps []string) {
	value = strings.TrimSpace(value)
	list, found := strings.CutPrefix(value, s.prefix)
	if !found && !s.bare {
		return nil
	}
	parts := []string{list}
	if s.separator != "" {
		parts = strings.SplitN(list, s.separator, maxSignatures+1)
		parts = parts[:min(len(parts), maxSignatures)]
	}
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if stamp, is := strings.CutPrefix(part, s.stamp); is && s.stamp != "" {
			stamps = append(stamps, stamp)
		}
		if text, is := strings.CutPrefix(part, s.tag); is {
			if mac := s.encoding.decode(text); mac != nil {
				g.macs = append(g.macs, mac)
			}
		}
	}
	return stamps
}

// decode returns nil for what cannot be a signature.
func (e encoding) decode(text string) []byte {
	var mac []byte
	var err error
	switch e {
	case inHex:
		mac, err = hex.DecodeString(text)
	case inBase64:
		if len(text) != base64.StdEncoding.EncodedLen(sha256.Size) {
			return nil // the decoder passes over line breaks
		}
		mac, err = base64.StdEncoding.Strict().DecodeString(text)
	case asItself:
		sum := sha256.Sum256([]byte(text)) // so that no length is told
		mac = sum[:]
	}
	if err != nil || len(mac) != sha256.Size {
		return nil
	}
	return mac
}

// clock is how a sender tells the time, and how far it may be off, either way.
type clock struct{ unit, tolerance time.Duration }

// check refuses what is not written as the sender writes it. A leading zero
// could be a digit that was taken from the end of the body.
func (c clock) check(timestamp string, now time.Time) error {
	n, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != timestamp {
		return ErrTimestamp
	}
	// Seconds have fewer digits until the year 5138, milliseconds since 1973.
	const border, end = 100_000_000_000, 100_000_000_000_000
	at := time.Unix(n, 0)
	if c.unit == time.Millisecond {
		at = time.UnixMilli(n)
	}
	switch {
	case n < 0 || n >= end || (n >= border) != (c.unit == time.Millisecond):
		return ErrTimestamp
	case now.Sub(at) > c.tolerance || at.Sub(now) > c.tolerance:
		return ErrExpired
	}
	return nil
}
