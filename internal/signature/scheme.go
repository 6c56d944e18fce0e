package signature

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/dealbell/dealbell/internal/secret"
)

// Scheme is how a sender signs: HMAC-SHA256 over what content says, put into
// a header. Schemes are found with Named.
type Scheme struct {
	name     string
	headers  []headers // alternatives; the first that was sent counts
	content  string    // what is signed: {id} {timestamp} {body} {method} {url} {secret}
	untimed  string    // what is signed by a sender that leaves its timestamp out; "" when none may
	query    string    // parameter that may hold the signature where no header does
	unsigned string    // what is sent in place of a signature by a sender without a secret

	prefix    string // stands before the signatures
	bare      bool   // the prefix may be left out
	separator string // stands between the signatures; "" when there is one
	tag       string // stands before each signature; others are passed over
	stamp     string // stands before the timestamp among the signatures
	encoding  encoding

	clock clock
	key   keyKind
	plain bool // SHA-256 without HMAC
	noNUL bool // the body has no NUL bytes; the padding that extends a plain hash does
}

// headers are names. Those that a sender does not use are "".
type headers struct{ signature, timestamp, id string }

type encoding int

const (
	inHex encoding = iota
	inBase64
	asItself // the secret is sent instead of a signature
)

type keyKind int

const (
	keyAsIs     keyKind = iota
	keyInBase64         // after whsec_, which may be left out
)

// Headers returns the names of the headers that make a signature, so that
// they can be kept and verified again. Where the secret itself is sent there
// are none: it is not to be kept.
func (s Scheme) Headers() []string {
	if s.encoding == asItself {
		return nil
	}
	var names []string
	for _, h := range s.headers {
		for _, name := range [...]string{h.signature, h.timestamp, h.id} {
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// Signed tells whether the request carries a signature at all, right or wrong.
func (s Scheme) Signed(r Request) bool {
	_, err := s.read(r)
	return !errors.Is(err, ErrMissing)
}

// SignsURL tells whether the sender signs the URL that it calls.
func (s Scheme) SignsURL() bool { return s.signs("url") }

// CheckKey tells what is wrong with a secret that can never be right.
func (s Scheme) CheckKey(k secret.String) error {
	_, err := s.material(k)
	return err
}

func (s Scheme) signs(field string) bool { return strings.Contains(s.content, "{"+field+"}") }

// material is the key that a secret stands for.
func (s Scheme) material(k secret.String) ([]byte, error) {
	text := k.Reveal()
	switch {
	case text == "":
		return nil, errors.New("the secret is empty")
	case text == s.unsigned:
		return nil, errors.New("the secret is what the sender says when it has none")
	case s.key == keyAsIs:
		return []byte(text), nil
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(text, "whsec_"), "="))
	if err != nil || len(key) == 0 {
		return nil, errors.New("the secret is not base64, with or without whsec_ before it: copy it from the sender once more")
	}
	return key, nil
}
