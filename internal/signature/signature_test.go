package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

var (
	now     = time.Unix(1_800_000_000, 0)
	body    = []byte(`{"email":"ana@example.com"}`)
	current = secret.New("current")
	old     = secret.New("old")
)

func headers(sig, ts string) http.Header {
	h := http.Header{}
	if sig != "" {
		h.Set("X-Form-Signature", sig)
	}
	if ts != "" {
		h.Set("X-Form-Timestamp", ts)
	}
	return h
}

// sign is what a website makes of a body; ts is "" for none.
func sign(key secret.String, ts string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	if ts != "" {
		mac.Write([]byte(ts + "."))
	}
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func verify(h http.Header, body []byte, secrets ...secret.String) error {
	_, err := signature.Form.Verify(signature.Request{Header: h, Body: body}, signature.Keys(secrets...), now)
	return err
}

func at(offset time.Duration) string { return strconv.FormatInt(now.Add(offset).Unix(), 10) }

func TestVerify(t *testing.T) {
	t.Parallel()
	sign := func(key secret.String, ts string) string { return sign(key, ts, body) }
	bare := func(s string) string { return strings.TrimPrefix(s, "sha256=") }
	both := []secret.String{current, old}
	for _, tc := range []struct {
		name    string
		sig, ts string
		secrets []secret.String
		want    error
	}{
		{"a signature with the prefix", sign(current, ""), "", both, nil},
		{"a signature in bare hex", bare(sign(current, "")), "", both, nil},
		{"upper-case hex", strings.ToUpper(bare(sign(current, ""))), "", both, nil},
		{"the old secret while rotating", sign(old, ""), "", both, nil},
		{"the old secret after rotating", sign(old, ""), "", []secret.String{current}, signature.ErrMismatch},
		{"a timestamp of now", sign(current, at(0)), at(0), both, nil},
		{"a timestamp at the edge of the past", sign(current, at(-300*time.Second)), at(-300 * time.Second), both, nil},
		{"a timestamp at the edge of the future", sign(current, at(300*time.Second)), at(300 * time.Second), both, nil},
		{"a timestamp that is too old", sign(current, at(-301*time.Second)), at(-301 * time.Second), both, signature.ErrExpired},
		{"a timestamp too far ahead", sign(current, at(301*time.Second)), at(301 * time.Second), both, signature.ErrExpired},
		{"a timestamp that was not signed", sign(current, ""), at(0), both, signature.ErrMismatch},
		{"a signed timestamp that was removed", sign(current, at(0)), "", both, signature.ErrMismatch},
		{"a timestamp that was swapped", sign(current, at(0)), at(time.Second), both, signature.ErrMismatch},
		{"a timestamp in milliseconds", sign(current, at(0)+"000"), at(0) + "000", both, signature.ErrTimestamp},
		{"a timestamp that is no number", sign(current, "soon"), "soon", both, signature.ErrTimestamp},
		{"no signature", "", "", both, signature.ErrMissing},
		{"an empty signature", " ", "", both, signature.ErrMissing},
		{"only the prefix", "sha256=", "", both, signature.ErrMismatch},
		{"half a signature", bare(sign(current, ""))[:32], "", both, signature.ErrMismatch},
		{"a signature and more", sign(current, "") + "00", "", both, signature.ErrMismatch},
		{"something that is not hex", "sha256=zz", "", both, signature.ErrMismatch},
		{"no secret configured", sign(current, ""), "", nil, signature.ErrNoSecret},
		{"only an empty secret configured", sign(secret.New(""), ""), "", []secret.String{secret.New("")}, signature.ErrNoSecret},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := verify(headers(tc.sig, tc.ts), body, tc.secrets...); !errors.Is(err, tc.want) {
				t.Errorf("Verify = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestVerifyCoversEveryByteOfTheBody(t *testing.T) {
	t.Parallel()
	sig := sign(current, "", body)
	for i := range body {
		changed := append([]byte(nil), body...)
		changed[i] ^= 1
		if err := verify(headers(sig, ""), changed, current); !errors.Is(err, signature.ErrMismatch) {
			t.Fatalf("byte %d changed: Verify = %v, want a mismatch", i, err)
		}
	}
}

// FuzzVerify accepts what carries the MAC of exactly what came, and no more.
func FuzzVerify(f *testing.F) {
	names := signature.Names()
	const key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for i, name := range names {
		c := content{method: http.MethodPost, url: "https://example.com/", id: "msg_1", body: string(body)}
		if unit := places[name].unit; unit != 0 {
			c.timestamp = strconv.FormatInt(now.UnixNano()/int64(unit), 10)
		}
		if name == "static" {
			f.Add(uint8(i), key, "", "", body)
			continue
		}
		mac := macOf(name, key, c)
		for _, before := range []string{"", "sha256=", "v0=", "v1,", "v1,x v1,", "t=" + c.timestamp + ",v1="} {
			f.Add(uint8(i), before+mac, c.timestamp, c.id, body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, sig, ts, id string, body []byte) {
		name := names[int(which)%len(names)]
		s, _ := signature.Named(name)
		p := places[name]
		r := signature.Request{Method: http.MethodPost, URL: "https://example.com/", Header: http.Header{p.signature: {sig}}, Body: body}
		for header, value := range map[string]string{p.timestamp: ts, p.id: id} {
			if header != "" && header != "t=" && value != "" {
				r.Header[header] = []string{value}
			}
		}
		_, err := s.Verify(r, signature.Keys(secret.New(key)), now)
		if err != nil {
			return
		}
		c, ok := contentOf(name, r)
		if name == "static" {
			ok = strings.TrimSpace(sig) == key
		} else {
			ok = ok && fresh(p, c, now) && carries(p, r, macOf(name, key, c))
		}
		if !ok {
			t.Fatalf("%s: accepted %q with %q", name, r.Header, body)
		}
	})
}
