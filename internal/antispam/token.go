package antispam

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/altcha-org/altcha-lib-go"

	"github.com/dealbell/dealbell/internal/secret"
)

const (
	version  = "v1"
	keySize  = 32
	maxToken = 256 // longer ones are not looked at
)

// Guard issues tokens and judges what comes back. Its methods may be called
// from any goroutine.
type Guard struct {
	tokens []byte // signs tokens
	works  string // signs challenges
}

// NewKey returns a random key for a Guard. Keep it across restarts, or what
// was being typed meanwhile is held.
func NewKey() secret.String { return secret.New(rand.Text() + rand.Text()) }

// New returns a Guard. It refuses a key that could be guessed.
func New(key secret.String) (*Guard, error) {
	if n := len(key.Reveal()); n < keySize {
		return nil, fmt.Errorf("the key for tokens of forms has %d bytes, it needs %d", n, keySize)
	}
	derive := func(use string) []byte {
		h := hmac.New(sha256.New, []byte(key.Reveal()))
		h.Write([]byte(use))
		return h.Sum(nil)
	}
	return &Guard{derive("token"), string(derive("work"))}, nil
}

// Ticket is what a page gets before it may submit. Its times are relative,
// because the clocks of visitors are wrong.
type Ticket struct {
	Token   string            `json:"token"`
	Wait    int64             `json:"wait"`    // ms before it may be used
	Expires int64             `json:"expires"` // ms before it has to be replaced
	Work    *altcha.Challenge `json:"work,omitempty"`
}

// Issue returns a ticket for a page of the origin, which may be "" where the
// browser did not say.
func (g *Guard) Issue(p Policy, origin string, now time.Time) (Ticket, error) {
	nonce := strings.ToLower(rand.Text())
	signed := strings.Join([]string{version, p.Form, strconv.FormatInt(now.UnixMilli(), 10), nonce, originHash(origin)}, ".")
	ticket := Ticket{Token: signed + "." + g.sign(signed), Wait: p.MinFill.Milliseconds(), Expires: p.MaxAge.Milliseconds()}
	if p.Work == 0 {
		return ticket, nil
	}
	work, err := g.challenge(nonce, p.Work, now)
	if err != nil {
		return Ticket{}, fmt.Errorf("make a challenge: %w", err)
	}
	ticket.Work, ticket.Expires = &work, min(ticket.Expires, workAge.Milliseconds())
	return ticket, nil
}

func (g *Guard) sign(s string) string {
	h := hmac.New(sha256.New, g.tokens)
	h.Write([]byte(s))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func originHash(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:8])
}

// token is an authentic token; the zero token is none.
type token struct {
	issued time.Time
	nonce  string
	origin string // hash of the origin that it was issued to
}

// open reads a token of the form, whatever its age. ok is false for anything
// that Issue did not write.
func (g *Guard) open(form, text string) (t token, ok bool) {
	if len(text) > maxToken {
		return token{}, false
	}
	i := strings.LastIndexByte(text, '.')
	if i < 0 || !hmac.Equal([]byte(g.sign(text[:i])), []byte(text[i+1:])) {
		return token{}, false
	}
	parts := strings.Split(text[:i], ".")
	if len(parts) != 5 || parts[0] != version || parts[1] != form {
		return token{}, false
	}
	ms, err := strconv.ParseInt(parts[2], 10, 64)
	return token{time.UnixMilli(ms), parts[3], parts[4]}, err == nil
}
