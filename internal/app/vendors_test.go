package app_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/sandbox"
)

const vendorSecret = "vendor-secret-of-some-length"

func vendorMAC(parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(vendorSecret))
	mac.Write([]byte(strings.Join(parts, "")))
	return mac.Sum(nil)
}

func hexOf(parts ...string) string    { return hex.EncodeToString(vendorMAC(parts...)) }
func base64Of(parts ...string) string { return base64.StdEncoding.EncodeToString(vendorMAC(parts...)) }

// signings is how each vendor signs, as its own pages describe it: independent
// of the table that checks it.
var signings = map[string]func(h http.Header, body string){
	"own":          func(h http.Header, body string) { h.Set("X-Form-Signature", hexOf(body)) },
	"google-forms": func(h http.Header, body string) { h.Set("X-Form-Signature", "sha256="+hexOf(body)) },
	"typeform":     func(h http.Header, body string) { h.Set("Typeform-Signature", "sha256="+base64Of(body)) },
	"tally":        func(h http.Header, body string) { h.Set("Tally-Signature", base64Of(body)) },
	"framer": func(h http.Header, body string) {
		h.Set("Framer-Signature", "sha256="+hexOf(body, h.Get("Framer-Webhook-Submission-Id")))
	},
	"webflow": func(h http.Header, body string) {
		stamp := fmt.Sprint(time.Now().UnixMilli())
		h.Set("X-Webflow-Timestamp", stamp)
		h.Set("X-Webflow-Signature", hexOf(stamp, ":", body))
	},
	"formspree": func(h http.Header, body string) {
		stamp := fmt.Sprint(time.Now().Unix())
		h.Set("Formspree-Signature", "t="+stamp+",v1="+hexOf(stamp, ".", body))
	},
	"calcom": func(h http.Header, body string) { h.Set("X-Cal-Signature-256", hexOf(body)) },
	"calendly": func(h http.Header, body string) {
		stamp := fmt.Sprint(time.Now().Unix())
		h.Set("Calendly-Webhook-Signature", "t="+stamp+",v1="+hexOf(stamp, ".", body))
	},
	"standard-webhooks": func(h http.Header, body string) {
		stamp := fmt.Sprint(time.Now().Unix())
		h.Set("Webhook-Timestamp", stamp)
		h.Set("Webhook-Signature", "v1,"+base64Of(h.Get("Webhook-Id"), ".", stamp, ".", body))
	},
	"opnform": func(h http.Header, body string) { h.Set("X-Webhook-Signature", "sha256="+hexOf(body)) },
	"fillout": func(h http.Header, _ string) { h.Set("X-Webhook-Token", vendorSecret) },
	"jotform": func(h http.Header, _ string) { h.Set("X-Webhook-Token", vendorSecret) },
}

// vendorRequest is a request as a vendor makes it.
type vendorRequest struct {
	vendor form.Vendor
	name   string
	body   string
	header http.Header
	sub    form.Submission
}

// vendorRequests reads what the vendors send from the testdata of package form.
func vendorRequests(t *testing.T) []vendorRequest {
	t.Helper()
	var all []vendorRequest
	for _, name := range form.Names() {
		vendor, _ := form.Named(name)
		golden, err := filepath.Glob("../form/testdata/" + name + "/*.golden.json")
		if err != nil || len(golden) == 0 {
			t.Fatalf("%s: no payloads, %v", name, err)
		}
		for _, path := range golden {
			base := strings.TrimSuffix(path, ".golden.json")
			p := vendorRequest{vendor: vendor, name: name + " " + filepath.Base(base), header: http.Header{"Content-Type": {"application/json"}}}
			body, err := os.ReadFile(base + ".json")
			if err != nil {
				body, err = os.ReadFile(base + ".txt")
			}
			if err != nil {
				t.Fatal(err)
			}
			p.body = string(body)
			if head, err := os.ReadFile(base + ".headers"); err == nil {
				lines, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.TrimSpace(head), "\r\n\r\n"...)))).ReadMIMEHeader()
				if err != nil {
					t.Fatalf("%s.headers: %v", base, err)
				}
				maps.Copy(p.header, http.Header(lines))
			}
			read, err := os.ReadFile(path)
			if err == nil {
				err = json.Unmarshal(read, &p.sub)
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
	}
	return all
}

func (w *world) deliver(p vendorRequest, sign bool) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/forms/"+p.vendor.Name, strings.NewReader(p.body))
	r.Header = p.header.Clone()
	if signings[p.vendor.Name](r.Header, p.body); !sign {
		signings[p.vendor.Name](r.Header, p.body+" ")
		if p.vendor.Scheme == "static" {
			r.Header.Set("X-Webhook-Token", "wrong")
		}
	}
	answer := httptest.NewRecorder()
	w.app.Public().ServeHTTP(answer, r)
	return answer
}

func TestWhatEveryVendorSendsBecomesAContact(t *testing.T) {
	t.Parallel()
	for _, p := range vendorRequests(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				secret := vendorSecret
				if p.vendor.Name == "standard-webhooks" {
					secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(vendorSecret))
				}
				w.yaml = fmt.Sprintf("forms: {%[1]s: {vendor: %[1]s, secret: %[2]s}}\n", p.vendor.Name, secret)
				w.start()
				defer w.stop()
				if answer := w.deliver(p, false); answer.Code != http.StatusUnauthorized {
					t.Errorf("with a wrong signature: %d %s, want 401", answer.Code, answer.Body)
				}
				isLead := p.vendor.Events == nil || p.sub.Kind == "" || slices.Contains(p.vendor.Events, p.sub.Kind)
				want := map[bool]string{true: "accepted", false: "ignored"}[isLead]
				for _, want := range []string{want, map[bool]string{true: "duplicate", false: "ignored"}[isLead]} {
					answer := w.deliver(p, true)
					if answer.Code != p.vendor.OKStatus || !strings.Contains(answer.Body.String(), `"status":"`+want+`"`) {
						t.Fatalf("%d %s, want %d and %s", answer.Code, answer.Body, p.vendor.OKStatus, want)
					}
					time.Sleep(time.Minute) // the vendor tries again; timestamps are new
				}
				w.settle(time.Hour)
				rows := w.contacts()
				switch {
				case !isLead && len(rows) > 0:
					t.Errorf("an event that is no submission made %v", rows)
				case isLead && (len(rows) != 1 || !strings.EqualFold(rows[0].Values["Email"], p.sub.Email)):
					t.Errorf("contacts %v, want one of %s; dead letters %v", rows, p.sub.Email, w.jobs("dead"))
				}
			})
		})
	}
}
