package antispam_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
)

const (
	hush    = "0x4AAA-hush"
	vouched = `{"success":true,"error-codes":[],"hostname":"example.com","action":"contact"}`
)

// cloudflare answers every request alike and keeps the last form it got.
func cloudflare(t *testing.T, status int, answer string) (antispam.Turnstile, *url.Values) {
	t.Helper()
	got := &url.Values{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.RawQuery != "" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		if r.URL.Path == "/elsewhere" {
			io.WriteString(w, vouched)
			return
		}
		*got = r.PostForm
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return antispam.Turnstile{Secret: secret.New(hush), URL: server.URL}, got
}

func TestACaptchaIsBelievedOnlyWhenAllIsRight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, given string
		status      int
		said        string
		want        error
	}{
		{"solved on the form's page", "answer", 200, vouched, nil},
		{"solved on its other site", "answer", 200, strings.Replace(vouched, "example.com", "www.example.com", 1), nil},
		{"solved on another site", "answer", 200, strings.Replace(vouched, "example.com", "evil.example", 1), crm.ErrInvalid},
		{"solved nowhere", "answer", 200, strings.Replace(vouched, "example.com", "", 1), crm.ErrInvalid},
		{"solved for another form", "answer", 200, strings.Replace(vouched, "contact", "careers", 1), crm.ErrInvalid},
		{"not solved", "answer", 200, `{"success":false,"error-codes":["invalid-input-response"],"hostname":"example.com","action":"contact"}`, crm.ErrInvalid},
		{"used before", "answer", 200, `{"success":false,"error-codes":["timeout-or-duplicate"]}`, crm.ErrInvalid},
		{"trouble at Cloudflare", "answer", 200, `{"success":false,"error-codes":["internal-error"]}`, crm.ErrUnavailable},
		{"an answer of another kind", "answer", 200, `<html>`, crm.ErrUnavailable},
		{"an empty answer", "answer", 502, ``, crm.ErrUnavailable},
		{"an answer from elsewhere", "answer", 307, ``, crm.ErrUnavailable},
		{"no answer by the visitor", "", 200, vouched, crm.ErrInvalid},
		{"an endless answer by the visitor", strings.Repeat("x", 2049), 200, vouched, crm.ErrInvalid},
		{"a long answer by the visitor", strings.Repeat("x", 2048), 200, vouched, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			turnstile, got := cloudflare(t, c.status, c.said)
			err := turnstile.Verify(t.Context(), contact(), c.given, "delivery-1")
			if !errors.Is(err, c.want) {
				t.Fatalf("Verify = %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), hush) {
				t.Errorf("the error tells the secret: %v", err)
			}
			if asked := len(*got) > 0; asked && (got.Get("secret") != hush || got.Get("response") != c.given) {
				t.Errorf("Cloudflare was asked with %v", *got)
			}
		})
	}
}

func TestACaptchaMayBeAskedForTwice(t *testing.T) {
	t.Parallel()
	turnstile, got := cloudflare(t, 200, `{}`)
	var keys []string
	for _, delivery := range []string{"one", "one", "two"} {
		_ = turnstile.Verify(t.Context(), contact(), "answer", delivery)
		keys = append(keys, got.Get("idempotency_key"))
	}
	if keys[0] != keys[1] || keys[1] == keys[2] {
		t.Errorf("the keys of one delivery twice and of another are %q", keys)
	}
	if form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`); !form.MatchString(keys[0]) {
		t.Errorf("the key %q is no UUID", keys[0])
	}
}

type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestASilentCloudflareHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := antispam.Turnstile{Secret: secret.New(hush), Transport: silence{}}.Verify(t.Context(), contact(), "answer", "one")
		if took := time.Since(start); took != 2*time.Second || !errors.Is(err, crm.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
		if strings.Contains(err.Error(), hush) || !strings.Contains(err.Error(), "https://challenges.cloudflare.com/turnstile/v0/siteverify") {
			t.Errorf("the error says %v", err)
		}
	})
}
