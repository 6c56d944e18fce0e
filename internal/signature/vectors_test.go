package signature_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

// vector is one request of testdata/vectors.json. Its source is the page that
// published it, or "command" for the scheme's entry among the commands, which
// made it without this package.
type vector struct {
	Scheme, Name, Error string
	Used                int
	Now                 time.Time
	Method, URL, Query  string
	Headers, Secrets    []string
	Body                string
	Bytes               []byte `json:"body_base64"` // in place of a body that is no text
	Source              string
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	content, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var file struct {
		Commands map[string]string
		Vectors  []vector
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		tb.Fatal(err)
	}
	return file.Vectors
}

// valid returns the vectors that are to be accepted.
func valid(tb testing.TB) []vector {
	return slices.DeleteFunc(vectors(tb), func(v vector) bool { return v.Error != "" })
}

func (v vector) scheme(tb testing.TB) signature.Scheme {
	tb.Helper()
	s, known := signature.Named(v.Scheme)
	if !known {
		tb.Fatalf("there is no scheme %q", v.Scheme)
	}
	return s
}

func (v vector) request(tb testing.TB) signature.Request {
	tb.Helper()
	r := signature.Request{Method: v.Method, URL: v.URL, Header: http.Header{}, Body: v.Bytes}
	if v.Bytes == nil {
		r.Body = []byte(v.Body)
	}
	for _, line := range v.Headers {
		name, value, _ := strings.Cut(line, ":")
		r.Header.Add(name, strings.TrimSpace(value)) // as net/http reads it
	}
	var err error
	if r.Query, err = url.ParseQuery(v.Query); err != nil {
		tb.Fatal(err)
	}
	return r
}

func (v vector) keys() []signature.Key {
	var secrets []secret.String
	for _, s := range v.Secrets {
		secrets = append(secrets, secret.New(s))
	}
	return signature.Keys(secrets...)
}

var named = map[string]error{
	"": nil, "ErrMissing": signature.ErrMissing, "ErrRepeated": signature.ErrRepeated,
	"ErrNoSecret": signature.ErrNoSecret, "ErrNoURL": signature.ErrNoURL, "ErrID": signature.ErrID,
	"ErrTimestamp": signature.ErrTimestamp, "ErrExpired": signature.ErrExpired, "ErrMismatch": signature.ErrMismatch,
}

func TestEveryVector(t *testing.T) {
	t.Parallel()
	accepted, refused := map[string]int{}, map[string]int{}
	for _, v := range vectors(t) {
		t.Run(v.Scheme+": "+v.Name, func(t *testing.T) {
			want, known := named[v.Error]
			if !known || v.Source == "" {
				t.Fatalf("error %q, source %q", v.Error, v.Source)
			}
			used, err := v.scheme(t).Verify(v.request(t), v.keys(), v.Now)
			if !errors.Is(err, want) || want == nil && err != nil {
				t.Fatalf("Verify = %v, want %v", err, want)
			}
			if err == nil && used != v.Used {
				t.Errorf("key %d signed, want %d", used, v.Used)
			}
			if err != nil && used != -1 {
				t.Errorf("key %d beside an error, want -1", used)
			}
		})
		if v.Error == "" {
			accepted[v.Scheme]++
		} else {
			refused[v.Scheme]++
		}
	}
	right, wrong := 0, 0
	for _, name := range signature.Names() {
		if accepted[name] < 6 || refused[name] < 6 {
			t.Errorf("%s has %d valid vectors and %d others, want 6 of each", name, accepted[name], refused[name])
		}
		right += accepted[name]
		wrong += refused[name]
	}
	t.Logf("figure: S1 %d schemes, %d valid vectors accepted, %d others refused", len(signature.Names()), right, wrong)
}

// What is kept of a rejected request is enough to verify it once more.
func TestTheHeadersThatAreKeptVerifyAgain(t *testing.T) {
	t.Parallel()
	for _, v := range valid(t) {
		s, r := v.scheme(t), v.request(t)
		kept := http.Header{}
		for _, name := range s.Headers() {
			if value := r.Header.Get(name); value != "" {
				kept.Set(name, value)
			}
		}
		if !s.Signed(r) {
			t.Errorf("%s, %s: not signed", v.Scheme, v.Name)
		}
		r.Header = kept
		if _, err := s.Verify(r, v.keys(), v.Now); err != nil && v.Scheme != "static" {
			t.Errorf("%s, %s: Verify = %v with what Headers names", v.Scheme, v.Name, err)
		}
	}
	if static, _ := signature.Named("static"); len(static.Headers()) != 0 {
		t.Errorf("static keeps %q, which is the secret", static.Headers())
	}
}

func TestSignedTellsWhetherThereIsASignature(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		if got := v.scheme(t).Signed(v.request(t)); got != (v.Error != "ErrMissing") {
			t.Errorf("%s, %s: Signed = %t", v.Scheme, v.Name, got)
		}
	}
}
