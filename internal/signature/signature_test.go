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

// The vector is what openssl dgst -sha256 -hmac current prints for the body.
func TestSignAgreesWithOpenSSL(t *testing.T) {
	t.Parallel()
	const want = "sha256=f742b311abf014a41a0531cf3e644c51076b36102cf83332a22f1ac0449cc3ce"
	if got := sign(current, "", body); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(sign(current, "", body), "", body)
	f.Add("sha256=", "1800000000", body)
	f.Add("", "-1", []byte(nil))
	f.Fuzz(func(t *testing.T, sig, ts string, payload []byte) {
		h := headers(sig, ts)
		err := verify(h, payload, current)
		valid := sign(current, h.Get("X-Form-Timestamp"), payload)
		given, decodeErr := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(h.Get("X-Form-Signature")), "sha256="))
		same := decodeErr == nil && "sha256="+hex.EncodeToString(given) == valid
		if err == nil && !same {
			t.Fatalf("accepted %q for a body whose signature is %q", sig, valid)
		}
	})
}
