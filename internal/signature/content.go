package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strings"
)

// sum is what a holder of the key would have made of the request.
func (s Scheme) sum(key []byte, r Request, g given) []byte {
	h := sha256.New()
	if !s.plain {
		h = hmac.New(sha256.New, key)
	}
	rest := s.content
	if s.untimed != "" && !g.timed {
		rest = s.untimed
	}
	for rest != "" {
		literal, field, _ := strings.Cut(rest, "{")
		h.Write([]byte(literal))
		field, rest, _ = strings.Cut(field, "}")
		write(h, field, key, r, g)
	}
	return h.Sum(nil)
}

func write(h hash.Hash, field string, key []byte, r Request, g given) {
	switch field {
	case "id":
		h.Write([]byte(g.id))
	case "timestamp":
		h.Write([]byte(g.timestamp))
	case "body":
		h.Write(r.Body)
	case "method":
		h.Write([]byte(r.Method))
	case "url":
		h.Write([]byte(hubSpot.Replace(r.URL)))
	case "secret":
		h.Write(key)
	}
}

// hubSpot writes a URL as the one sender that signs it does: these characters
// as they are, though they came escaped.
var hubSpot = strings.NewReplacer("%3A", ":", "%3a", ":", "%2F", "/", "%2f", "/", "%3F", "?", "%3f", "?",
	"%40", "@", "%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2a", "*",
	"%2C", ",", "%2c", ",", "%3B", ";", "%3b", ";")

// fits tells whether the id is one, so that no byte of it can be taken for
// one of the rest, or the other way round.
func (s Scheme) fits(id string, body []byte) bool {
	if !strings.Contains(s.content, "{body}{id}") {
		return id != "" && !strings.Contains(id, ".")
	}
	return id != "" && strings.Trim(id, idChars) == "" && (len(body) == 0 || !strings.Contains(idChars, string(body[len(body)-1:])))
}

const idChars = "0123456789-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// looksTimed tells whether the body begins with a timestamp and a full stop.
func looksTimed(body []byte) bool {
	digits := len(body) - len(bytes.TrimLeft(body, "0123456789"))
	return digits >= 9 && bytes.HasPrefix(body[digits:], []byte("."))
}

func hasNUL(body []byte) bool { return bytes.IndexByte(body, 0) >= 0 }
