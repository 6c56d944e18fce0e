package signature_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

// resigned is a vector's request as its sender would sign it now.
func resigned(tb testing.TB, v vector, key string) signature.Request {
	tb.Helper()
	r := v.request(tb)
	p := placeOf(v.Scheme, r)
	if v.Scheme == "static" {
		return signature.Request{Header: http.Header{p.signature: {key}}, Body: r.Body}
	}
	c, _ := contentOf(v.Scheme, r)
	given := r.Header.Get(p.signature)
	if c.timestamp != "" {
		was := c.timestamp
		c.timestamp = strconv.FormatInt(time.Now().UnixNano()/int64(p.unit), 10)
		given = strings.Replace(given, "t="+was, "t="+c.timestamp, 1)
		if p.timestamp != "t=" {
			r.Header.Set(p.timestamp, c.timestamp)
		}
	}
	r.Header.Set(p.signature, macs.ReplaceAllString(given, macOf(v.Scheme, key, c)))
	return r
}

// A sender changes its secret at some time within a day, and nothing that it
// signs is refused. From the end of that day on, the old secret opens nothing.
func TestARotationRefusesNothingAndThenEverythingOld(t *testing.T) {
	s := seed(t)
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(s, 1))
		all := valid(t)
		until := time.Now().Add(24 * time.Hour)
		refused, sent, taken := 0, 0, 0
		const older, newer = "b2xkZXItc2VjcmV0LW9mLTI0LWJ5dGVz", "bmV3ZXItc2VjcmV0LW9mLTI0LWJ5dGVz" // base64, for those who want it
		keys := []signature.Key{{Secret: secret.New(newer)}, {Secret: secret.New(older), Until: until}}
		for time.Until(until) > time.Second {
			v := all[rng.IntN(len(all))]
			i := rng.IntN(2)
			used, err := v.scheme(t).Verify(resigned(t, v, []string{newer, older}[i]), keys, time.Now())
			if sent++; err != nil || used != i {
				refused++
				t.Errorf("%s before the end: %s, %s: Verify = %d, %v, want key %d", time.Until(until), v.Scheme, v.Name, used, err, i)
			}
			time.Sleep(time.Duration(rng.Int64N(int64(17 * time.Second))))
		}
		time.Sleep(time.Until(until))
		for range 1000 { // within one second
			v := all[rng.IntN(len(all))]
			if _, err := v.scheme(t).Verify(resigned(t, v, older), keys, time.Now()); !errors.Is(err, signature.ErrMismatch) {
				taken++
				t.Errorf("%s after the end: %s, %s: Verify = %v, want a mismatch", time.Since(until), v.Scheme, v.Name, err)
			}
			if _, err := v.scheme(t).Verify(resigned(t, v, newer), keys, time.Now()); err != nil {
				t.Errorf("%s after the end: %s, %s: Verify = %v with the new secret", time.Since(until), v.Scheme, v.Name, err)
			}
			time.Sleep(time.Millisecond)
		}
		t.Logf("figure: S3 %d of %d refused while secrets overlapped, %d of 1000 accepted in the second after; seed %d", refused, sent, taken, s)
	})
}

func TestTheKeyThatSignedIsTold(t *testing.T) {
	t.Parallel()
	r := signature.Request{Header: headers(sign(old, "", body), ""), Body: body}
	for _, tc := range []struct {
		name string
		keys []signature.Key
		want int
	}{
		{"the only one", signature.Keys(old), 0},
		{"the last one", signature.Keys(current, secret.New("x"), old), 2},
		{"the first of two that are the same", signature.Keys(current, old, old), 1},
		{"one behind an empty one", signature.Keys(secret.String{}, old), 1},
		{"one behind the same, ended", []signature.Key{{Secret: old, Until: now}, {Secret: old}}, 1},
		{"one that ends later", []signature.Key{{Secret: current}, {Secret: old, Until: now.Add(1)}}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if used, err := signature.Form.Verify(r, tc.keys, now); used != tc.want || err != nil {
				t.Errorf("Verify = %d, %v, want %d", used, err, tc.want)
			}
		})
	}
}
