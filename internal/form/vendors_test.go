package form_test

import (
	"bytes"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/form"
)

func vendor(tb testing.TB, name string) form.Vendor {
	tb.Helper()
	v, ok := form.Named(name)
	if !ok {
		tb.Fatalf("there is no vendor %q", name)
	}
	return v
}

func TestEveryVendorSaysHowItIsReceived(t *testing.T) {
	t.Parallel()
	if _, ok := form.Named("nobody"); ok {
		t.Error("there is a vendor called nobody")
	}
	for _, name := range form.Names() {
		v := vendor(t, name)
		if v.Name != name || v.Scheme == "" || v.MaxBody < 64<<10 || v.OKStatus/100 != 2 || v.Hint == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// What is not a submission is read all the same, and told by its kind.
func TestOtherEventsAreTold(t *testing.T) {
	t.Parallel()
	others := map[string]string{
		"calcom/ping.json": "PING", "calcom/meeting-ended.json": "MEETING_ENDED",
		"calendly/invitee-canceled.json": "invitee.canceled", "webflow/site-publish.json": "site_publish",
	}
	for _, p := range payloads(t) {
		got, err := p.decode(t)
		if err != nil {
			t.Errorf("%s: %v", p.path, err)
			continue
		}
		kind, other := others[filepath.ToSlash(strings.TrimPrefix(p.path, "testdata"+string(filepath.Separator)))]
		if other && got.Kind != kind {
			t.Errorf("%s is of kind %q, want %q", p.path, got.Kind, kind)
		}
		if events := vendor(t, p.vendor).Events; events != nil && slices.Contains(events, got.Kind) == other {
			t.Errorf("%s: kind %q among %q: %v, want %v", p.path, got.Kind, events, !other, other)
		}
	}
}

// A vendor that gets no answer sends again: some parts of it differ, the id
// must not. What is another submission has another id.
func TestAnIDIsThatOfTheSubmission(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ file, retry, retried, another, changed string }{
		{"typeform/answers-of-every-type.json", "01JCZ5W6T9Q3M8X2R7B4KDN1VH", "01JCZ5W6T9Q3M8X2R7B4KDN1ZZ", "w8v2n1k4q7x0c9z3h5w8v2n1kq6t0b2m", "x"},
		{"typeform/answers-of-every-type.json", "2026-11-18T09:15:03Z", "2026-11-18T09:15:04Z", `"event_type": "form_response"`, `"event_type": "form_response_partial"`},
		{"tally/fields-of-every-type.json", "09:15:04.310Z", "09:45:04.310Z", "3f6c1a0e-6f0e-4d3b-9d58-1c0a4e7b9a21", "x"},
		{"webflow/form-submission.json", `"formElementId"`, `"more"`, "691c3a84df3949bfc6752327", "x"},
		{"calcom/booking-created.json", "12439850", "1", "3LpAwYNWsfRYM1qcxtYeUZ\",\n    \"eventTitle", "x\",\n    \"eventTitle"},
		{"calcom/booking-created.json", `"status": "ACCEPTED"`, `"status": "PENDING"`, "09:15:03.319Z", "09:16:00.000Z"}, // another seat of one slot
		{"calendly/invitee-created.json", `"processing"`, `"pushed"`, "invitees/3e39fe12", "invitees/4f40af23"},
		{"fillout/submission.json", `"lastUpdatedAt": "2026-11-18T09:15`, `"lastUpdatedAt": "2026-11-18T10:15`, "d25c76c4-0ad6-4418-acca-39809b98cb9e", "x"},
		{"jotform/submission.txt", "203.0.113.7", "203.0.113.8", "6084250982513018472\r\n", "x\r\n"},
		{"google-forms/response.json", "Event sign-up", "Event", "2_ABaOnuc9kYp7w3xTzM5qF0dJ", "x"},
	} {
		for _, p := range payloads(t) {
			if filepath.ToSlash(p.path) != "testdata/"+tc.file {
				continue
			}
			id := func(old, replacement string) string {
				if !bytes.Contains(p.body, []byte(old)) {
					t.Fatalf("%s does not contain %q", tc.file, old)
				}
				changed := p
				changed.body = bytes.ReplaceAll(p.body, []byte(old), []byte(replacement))
				s, err := changed.decode(t)
				if err != nil {
					t.Fatal(err)
				}
				return s.ID
			}
			first, err := p.decode(t)
			if err != nil {
				t.Fatal(err)
			}
			if retried := id(tc.retry, tc.retried); retried != first.ID {
				t.Errorf("%s: the id is %q, and with another %s %q", tc.file, first.ID, tc.retry, retried)
			}
			if another := id(tc.another, tc.changed); another == first.ID {
				t.Errorf("%s: the id is %q although %s has changed", tc.file, first.ID, tc.another)
			}
		}
	}
}

func TestOnlyTheSignedIDOfStandardWebhooksCounts(t *testing.T) {
	t.Parallel()
	v, body := vendor(t, "standard-webhooks"), []byte(`{"type":"x","data":{}}`)
	for _, tc := range []struct {
		name string
		h    http.Header
		want string
	}{
		{"by the standard's names", http.Header{"Webhook-Id": {"a"}, "Webhook-Signature": {"v1,x"}, "Svix-Id": {"b"}}, "a"},
		{"by Svix's names", http.Header{"Svix-Id": {"b"}, "Svix-Signature": {"v1,x"}}, "b"},
		{"an id that is put beside Svix's", http.Header{"Webhook-Id": {"a"}, "Svix-Id": {"b"}, "Svix-Signature": {"v1,x"}}, "b"},
		{"none", nil, ""},
	} {
		got, err := v.Decode(tc.h, "application/json", body)
		if err != nil || got.ID != tc.want {
			t.Errorf("%s: id %q, %v; want %q", tc.name, got.ID, err, tc.want)
		}
	}
}
