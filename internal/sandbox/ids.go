package sandbox

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/url"
	"regexp"
	"strings"
	"time"
)

var (
	dashedUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	bareUUID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

const nilUUID = "00000000-0000-0000-0000-000000000000"

// newID draws a UUID of version 8, as Notion's page ids are.
func (w *Workspace) newID() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(w.rng.Uint32())
	}
	b[6] = 0x80 | b[6]&0x0f
	b[8] = 0x80 | b[8]&0x3f
	return dashed(hex.EncodeToString(b[:]))
}

func dashed(h string) string {
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func undashed(id string) string { return strings.ReplaceAll(id, "-", "") }

// parseID accepts an id with or without dashes, in any case, and returns the
// dashed lower-case form.
func parseID(s string) (string, bool) {
	s = strings.ToLower(s)
	if bareUUID.MatchString(s) {
		s = dashed(s)
	}
	return s, s == nilUUID || dashedUUID.MatchString(s)
}

const propertyIDLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_~:;<=>?@[]^{|}\\"

// newPropertyID draws a short id and encodes it for URLs, which is the form
// Notion shows everywhere.
func (w *Workspace) newPropertyID(taken func(string) bool) string {
	for {
		var b [4]byte
		for i := range b {
			b[i] = propertyIDLetters[w.rng.IntN(len(propertyIDLetters))]
		}
		if id := url.QueryEscape(string(b[:])); !taken(id) {
			return id
		}
	}
}

// rank orders rows in a way that has nothing to do with their creation.
func (w *Workspace) rank(id string) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", w.opts.Seed, id)
	return h.Sum64()
}

// derivedID is an id that depends on nothing but its arguments.
func derivedID(key string, n int) string {
	h := fnv.New128a()
	_, _ = fmt.Fprintf(h, "%s %d", key, n)
	b := h.Sum(nil)
	b[6], b[8] = 0x40|b[6]&0x0f, 0x80|b[8]&0x3f
	return dashed(hex.EncodeToString(b))
}

// minute floors a time as Notion does for pages, and prints it.
func minute(t time.Time) string {
	return t.UTC().Truncate(time.Minute).Format("2006-01-02T15:04:05.000Z")
}

// instant prints a time as database containers show it: not floored.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }
