package signature_test

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

// These are mistakes that were found in receivers which many people trust.

// One receiver let everything in whose body had the key of a handshake.
func TestATokenInTheBodyIsNoSignature(t *testing.T) {
	t.Parallel()
	r := signature.Request{Header: http.Header{}, Body: []byte(`{"verification_token":"current","id":"1","type":"page.deleted"}`)}
	if _, err := signature.Notion.Verify(r, signature.Keys(current), now); !errors.Is(err, signature.ErrMissing) {
		t.Errorf("Verify = %v, want a missing signature", err)
	}
	r.Header.Set("X-Notion-Signature", sign(secret.New("guess"), "", r.Body))
	if _, err := signature.Notion.Verify(r, signature.Keys(current), now); !errors.Is(err, signature.ErrMismatch) {
		t.Errorf("Verify = %v, want a mismatch", err)
	}
}

// Others verified only where a secret was set.
func TestWithoutASecretNothingIsAccepted(t *testing.T) {
	t.Parallel()
	for _, v := range valid(t) {
		ended := signature.Key{Secret: secret.New(v.Secrets[v.Used]), Until: v.Now}
		for name, keys := range map[string][]signature.Key{
			"no keys": nil, "an empty key": {{}}, "an empty secret": signature.Keys(secret.New("")), "a key that has ended": {ended},
		} {
			used, err := v.scheme(t).Verify(v.request(t), keys, v.Now)
			if !errors.Is(err, signature.ErrNoSecret) || used != -1 {
				t.Errorf("%s, %s with %s: Verify = %d, %v", v.Scheme, v.Name, name, used, err)
			}
		}
	}
	if _, err := (signature.Scheme{}).Verify(signature.Request{}, signature.Keys(current), now); err == nil {
		t.Error("a scheme that is none accepts")
	}
}

// One of them hashed what its JSON library made of the body.
func TestABodyThatWasParsedAndWrittenAgainIsAnother(t *testing.T) {
	t.Parallel()
	differ := 0
	for _, v := range valid(t) {
		r := v.request(t)
		again := []byte(rewritten(r.Body))
		if bytes.Equal(again, r.Body) || v.Scheme == "static" {
			continue
		}
		differ++
		r.Body = again
		if _, err := v.scheme(t).Verify(r, v.keys(), v.Now); !errors.Is(err, signature.ErrMismatch) {
			t.Errorf("%s, %s: Verify = %v, want a mismatch", v.Scheme, v.Name, err)
		}
	}
	if differ < 4*len(signature.Names()) {
		t.Errorf("only %d bodies are written in another way", differ)
	}
}

// One told the signature that it wanted to see.
func TestNoErrorTellsTheExpectedSignature(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		r := v.request(t)
		_, err := v.scheme(t).Verify(r, v.keys(), v.Now)
		if err != nil && !known(err) {
			t.Errorf("%s, %s: Verify = %q, which is none of the package's errors", v.Scheme, v.Name, err)
		}
	}
}

// Two looked at old timestamps only.
func TestATimestampFromTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	timed := map[string]bool{}
	for _, v := range valid(t) {
		c, _ := contentOf(v.Scheme, v.request(t))
		if c.timestamp == "" {
			continue
		}
		timed[v.Scheme] = true
		n, _ := strconv.ParseInt(c.timestamp, 10, 64)
		p := places[v.Scheme]
		at := time.Unix(0, 0).Add(time.Duration(n) * p.unit)
		for offset, want := range map[time.Duration]error{
			-p.tolerance: nil, p.tolerance: nil, -p.tolerance - 1: signature.ErrExpired, p.tolerance + 1: signature.ErrExpired,
			-50 * 365 * 24 * time.Hour: signature.ErrExpired, 250 * 365 * 24 * time.Hour: signature.ErrExpired,
		} {
			if _, err := v.scheme(t).Verify(v.request(t), v.keys(), at.Add(offset)); !errors.Is(err, want) {
				t.Errorf("%s, %s, %s after it was signed: Verify = %v, want %v", v.Scheme, v.Name, offset, err, want)
			}
		}
	}
	if len(timed) != 8 {
		t.Errorf("%d schemes sign a time: %v", len(timed), timed)
	}
}

// In one, the end of one signed part could be passed off as the beginning of
// the next. Nothing may move from one part into another.
func TestNoByteMovesBetweenTheSignedParts(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, v := range valid(t) {
		sent := v.request(t)
		p := placeOf(v.Scheme, sent)
		for _, name := range []string{p.timestamp, p.id} {
			if len(sent.Header[name]) == 0 {
				continue
			}
			for _, moved := range splices(sent.Header.Get(name), string(sent.Body)) {
				r := v.request(t)
				r.Body = []byte(moved.body)
				if r.Header.Del(name); moved.header != "" {
					r.Header.Set(name, moved.header)
				}
				if _, err := v.scheme(t).Verify(r, v.keys(), v.Now); err == nil {
					t.Errorf("%s, %s: accepted %q with %q", v.Scheme, v.Name, r.Header, r.Body)
				}
				tried++
			}
		}
	}
	t.Logf("figure: S2 0 of %d splices accepted", tried)
}

type splice struct{ header, body string }

// splices moves bytes between a header and either end of the body.
func splices(header, body string) (all []splice) {
	for i := range len(header) + 1 {
		head, tail := header[:i], header[i:]
		all = append(all, splice{head, tail + "." + body}, splice{head, tail + ":" + body})
		if tail != "" {
			all = append(all, splice{head, tail + body})
		}
		if head != "" {
			all = append(all, splice{tail, body + head})
		}
	}
	for i := range body {
		all = append(all, splice{body[i:] + header, body[:i]})
		if i > 0 {
			all = append(all, splice{header + body[:i], body[i:]}, splice{header + "." + body[:i], body[i:]})
		}
	}
	return all
}

// HubSpot's first scheme is a plain hash: whoever saw one request can compute
// the hash of a longer one without the secret. The padding between the two
// holds NUL bytes, which no JSON has.
func TestAPlainHashCannotBeExtended(t *testing.T) {
	t.Parallel()
	s, _ := signature.Named("hubspot-v1")
	const key, body, more = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", `[{"eventId":1}]`, `,{"eventId":2}]`
	seen := sha256.Sum256([]byte(key + body))
	length := len(key) + len(body)
	padding := append([]byte{0x80}, make([]byte, 63-(length+8)%64)...)
	padding = binary.BigEndian.AppendUint64(padding, uint64(length)*8)

	state := slices.Concat([]byte("sha\x03"), seen[:], make([]byte, 64), binary.BigEndian.AppendUint64(nil, uint64(length+len(padding))))
	extended := sha256.New()
	if err := extended.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	extended.Write([]byte(more))
	forged := slices.Concat([]byte(body), padding, []byte(more))
	if whole := sha256.Sum256(append([]byte(key), forged...)); !bytes.Equal(whole[:], extended.Sum(nil)) {
		t.Fatal("the test does not know how to extend a hash")
	}
	r := signature.Request{Header: http.Header{"X-Hubspot-Signature": {hex.EncodeToString(extended.Sum(nil))}}, Body: forged}
	if _, err := s.Verify(r, signature.Keys(secret.New(key)), now); !errors.Is(err, signature.ErrMismatch) {
		t.Errorf("Verify = %v, want a mismatch", err)
	}
}

// Comparisons in other languages fail with an exception on unequal lengths,
// and the receiver with 500.
func TestASignatureOfAnyLengthIsAnsweredWithoutPanic(t *testing.T) {
	t.Parallel()
	fill := []string{"0", "a", "=", ",", " ", "v1,", "t=1800000000,v1=", "\x00", "é", "sha256=", "whsec_"}
	seen := map[string]bool{}
	for _, v := range valid(t) {
		s, p := v.scheme(t), placeOf(v.Scheme, v.request(t))
		if seen[v.Scheme] {
			continue // one of each will do
		}
		seen[v.Scheme] = true
		for length := range 70 {
			for _, with := range fill {
				r := v.request(t)
				r.Header[p.signature] = []string{strings.Repeat(with, length)}
				if _, err := s.Verify(r, v.keys(), v.Now); err == nil || !known(err) {
					t.Fatalf("%s, %s with %d of %q: Verify = %v", v.Scheme, v.Name, length, with, err)
				}
			}
		}
		r := v.request(t)
		r.Header[p.signature] = []string{strings.Repeat("v1=00, v1,00 00,", 1<<16)}
		if _, err := s.Verify(r, v.keys(), v.Now); err == nil {
			t.Fatalf("%s, %s: a megabyte was accepted", v.Scheme, v.Name)
		}
	}
}

// What Cal.com sends in place of a signature is never one, nor a secret.
func TestNoSecretProvidedIsNoSignature(t *testing.T) {
	t.Parallel()
	const literal = "no-secret-provided"
	s, _ := signature.Named("calcom")
	for _, key := range []secret.String{current, secret.New(literal), secret.New(""), {}} {
		r := signature.Request{Header: http.Header{"X-Cal-Signature-256": {literal}}, Body: body}
		if _, err := s.Verify(r, signature.Keys(key), now); !errors.Is(err, signature.ErrMissing) || s.Signed(r) {
			t.Errorf("Verify = %v, Signed = %t, want no signature", err, s.Signed(r))
		}
	}
	signed := strings.TrimPrefix(sign(secret.New(literal), "", body), "sha256=")
	r := signature.Request{Header: http.Header{"X-Cal-Signature-256": {signed}}, Body: body}
	if _, err := s.Verify(r, signature.Keys(secret.New(literal)), now); !errors.Is(err, signature.ErrNoSecret) {
		t.Errorf("Verify = %v with the literal as the secret", err)
	}
}

// A second header of the same name is refused, whichever of the two is right.
func TestASecondHeaderOfTheSameNameIsRefused(t *testing.T) {
	t.Parallel()
	for _, v := range valid(t) {
		s := v.scheme(t)
		p := placeOf(v.Scheme, v.request(t))
		for _, name := range []string{p.signature, p.timestamp, p.id} {
			for _, second := range []func(right string) []string{
				func(right string) []string { return []string{right, right} },
				func(right string) []string { return []string{right, "x"} },
				func(right string) []string { return []string{"x", right} },
				func(right string) []string { return []string{"", right} },
			} {
				r := v.request(t)
				if len(r.Header[name]) == 0 {
					continue
				}
				r.Header[name] = second(r.Header.Get(name))
				if _, err := s.Verify(r, v.keys(), v.Now); !errors.Is(err, signature.ErrRepeated) {
					t.Errorf("%s, %s with %q: Verify = %v, want it refused", v.Scheme, v.Name, r.Header[name], err)
				}
			}
		}
	}
	static, _ := signature.Named("static")
	r := signature.Request{Query: url.Values{"token": {"current", "current"}}}
	if _, err := static.Verify(r, signature.Keys(current), now); !errors.Is(err, signature.ErrRepeated) {
		t.Errorf("Verify = %v with two tokens in the URL", err)
	}
}
