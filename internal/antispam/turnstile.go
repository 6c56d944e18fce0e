package antispam

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
)

// Turnstile asks Cloudflare whether a visitor passed its challenge. It is for
// forms that need more than a proof of work. Its widget has to say the form's
// name: data-action="contact".
type Turnstile struct {
	Secret    secret.String
	URL       string            // default: Cloudflare's
	Transport http.RoundTripper // default: http.DefaultTransport
}

// Siteverify is where Cloudflare answers.
const Siteverify = "https://challenges.cloudflare.com/turnstile/v0/siteverify"

const (
	captchaTimeout = 2 * time.Second
	maxCaptcha     = 2048
	maxAnswer      = 64 << 10
)

// Verify returns nil when Cloudflare vouches for the answer that came with a
// delivery of the form. Any error is a reason to hold it: ErrInvalid means that
// it does not, ErrUnavailable that nobody could be asked; the answer is good
// for five minutes. To ask again for the same delivery is safe.
func (t Turnstile) Verify(ctx context.Context, p Policy, answer, delivery string) error {
	if answer == "" || len(answer) > maxCaptcha {
		return fmt.Errorf("captcha: its answer is missing or too long: %w", crm.ErrInvalid)
	}
	ctx, cancel := context.WithTimeout(ctx, captchaTimeout)
	defer cancel()
	said, err := t.ask(ctx, url.Values{"secret": {t.Secret.Reveal()}, "response": {answer}, "idempotency_key": {uuid(delivery)}})
	switch {
	case err != nil:
		return fmt.Errorf("captcha: %w: %w", crm.ErrUnavailable, err)
	case !said.Success && slices.Contains(said.Errors, "internal-error"):
		return fmt.Errorf("captcha: Turnstile has trouble: %w", crm.ErrUnavailable)
	case !said.Success:
		return fmt.Errorf("captcha: Turnstile says %.100q: %w", strings.Join(said.Errors, " "), crm.ErrInvalid)
	case !p.hosts(said.Hostname):
		return fmt.Errorf("captcha: it was solved on %.100q, which is no site of form %q: %w", said.Hostname, p.Form, crm.ErrInvalid)
	case said.Action != p.Form:
		return fmt.Errorf("captcha: it was solved for action %.100q, want %q: %w", said.Action, p.Form, crm.ErrInvalid)
	}
	return nil
}

type captcha struct {
	Success  bool     `json:"success"`
	Errors   []string `json:"error-codes"`
	Hostname string   `json:"hostname"`
	Action   string   `json:"action"`
}

func (t Turnstile) ask(ctx context.Context, form url.Values) (said captcha, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, cmp.Or(t.URL, Siteverify), strings.NewReader(form.Encode()))
	if err != nil {
		return said, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{Transport: t.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // nobody else gets to see the secret
	}}
	response, err := client.Do(request)
	if err != nil {
		return said, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&said); err != nil {
		return said, errors.New("the answer " + response.Status + " is not JSON")
	}
	return said, nil
}

// hosts reports whether a host is one of the form's sites.
func (p Policy) hosts(name string) bool {
	return slices.ContainsFunc(p.Origins, func(origin string) bool {
		u, err := url.Parse(origin)
		return err == nil && name != "" && u.Hostname() == name
	})
}

// uuid makes the delivery's id what Cloudflare wants of a key.
func uuid(delivery string) string {
	b := sha256.Sum256([]byte(delivery))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
