package form_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/form"
)

func TestAwkwardBodiesAreRead(t *testing.T) {
	t.Parallel()
	field := func(name, value string, keys ...string) form.Field {
		return form.Field{Name: name, Keys: keys, Value: value}
	}
	for _, tc := range []struct {
		name, vendor, body string
		want               form.Submission
	}{
		{"a number beyond 2^53", "framer", `{"n":12345678901234567890,"f":1.50,"e":1e3}`, form.Submission{Fields: []form.Field{
			field("n", "12345678901234567890"), field("f", "1.50"), field("e", "1e3"),
		}}},
		{"a name that comes twice", "framer", `{"a":"1","b":"2","a":"3"}`, form.Submission{Fields: []form.Field{field("a", "3"), field("b", "2")}}},
		{"nulls, blanks and nothing", "framer", `{"a":null,"b":" \u00a0 ","c":[],"d":{},"e":[null,""]}`, form.Submission{}},
		{"objects in lists", "framer", `{"files":[{"url":"https://a.example/1"},{"url":"https://a.example/2"}],"rows":[{"k":1,"l":[2,3]},{"k":4}]}`, form.Submission{Fields: []form.Field{
			field("files", "https://a.example/1, https://a.example/2"), field("rows", "k: 1, l: 2, 3; k: 4"),
		}}},
		{"letters of every kind", "framer", `{"Имя":"Аня","電話":"０９０","emoji 🎉":"a\u0000b\ud800c\u202ed"}`, form.Submission{Name: "Аня", Fields: []form.Field{
			field("Имя", "Аня"), field("電話", "０９０"), field("emoji 🎉", "ab\ufffdc\u202ed"),
		}}},
		{"lines in a name, and none", "framer", `{" two\nlines\t":"1","":"2"}`, form.Submission{Fields: []form.Field{field("two lines", "1"), field("unnamed", "2")}}},
		{"a long name", "framer", `{"` + strings.Repeat("é", 300) + `":"1"}`, form.Submission{Fields: []form.Field{field(strings.Repeat("é", 199)+"…", "1")}}},
		{"an answer without a definition", "typeform", `{"event_type":"form_response","form_response":{"answers":[{"type":"text","text":"a","field":{"id":"x1","ref":"r1"}},{"type":"odd","odd":{"k":"v"}},{}]}}`, form.Submission{
			Kind: "form_response", Fields: []form.Field{field("r1", "a", "x1"), field("unnamed", "k: v")},
		}},
		{"no answers at all", "typeform", `{"event_type":"form_response","form_response":{"token":"t","answers":null,"hidden":null}}`, form.Submission{ID: "t", Kind: "form_response"}},
		{"part of a response", "typeform", `{"event_type":"form_response_partial","form_response":{"token":"t"}}`, form.Submission{ID: "form_response_partial t", Kind: "form_response_partial"}},
		{"only a hidden email", "typeform", `{"form_response":{"hidden":{"email":"ana@example.com","user":"7"}}}`, form.Submission{
			Email: "ana@example.com", EmailFrom: field("email", "ana@example.com"), Fields: []form.Field{field("user", "7")},
		}},
		{"a choice of old that is one id", "tally", `{"data":{"fields":[{"key":"k1","label":"Q","type":"MULTIPLE_CHOICE","value":"i1","options":[{"id":"i1","text":"Yes"}]}]}}`, form.Submission{Fields: []form.Field{field("Q", "Yes", "k1")}}},
		{"a choice that is not listed", "tally", `{"data":{"fields":[{"key":"k1","label":"Q","type":"CHECKBOXES","value":["i1","Something else"],"options":[{"id":"i1","text":"Yes"}]}]}}`, form.Submission{Fields: []form.Field{field("Q", "Yes, Something else", "k1")}}},
		{"ticked options without their list", "tally", `{"data":{"fields":[{"key":"q_i1","label":"Where? (Dublin)","type":"CHECKBOXES","value":true}]}}`, form.Submission{Fields: []form.Field{field("Where? (Dublin)", "true", "q_i1")}}},
		{"only what Formspree is told", "formspree", `{"form":"f","submission":{"_date":"2026-11-18 09:15:03","_gotcha":"x","_replyto":"ana@example.com"}}`, form.Submission{
			At: time.Date(2026, 11, 18, 9, 15, 3, 0, time.UTC), Title: "f", Email: "ana@example.com", EmailFrom: field("_replyto", "ana@example.com"),
		}},
		{"a booking of before responses", "calcom", `{"triggerEvent":"BOOKING_CREATED","createdAt":"2026-11-18T09:15:03Z","payload":{"uid":"u","attendees":[{"name":"Ana","email":"ana@example.com"}]}}`, form.Submission{
			ID: "BOOKING_CREATED u 2026-11-18T09:15:03Z", At: time.Date(2026, 11, 18, 9, 15, 3, 0, time.UTC), Kind: "BOOKING_CREATED", Email: "ana@example.com", Name: "Ana",
		}},
		{"a name in two parts, and a place", "calcom", `{"triggerEvent":"X","payload":{"responses":{"name":{"label":"your_name","value":{"firstName":"Ana","lastName":"Lima"}},"location":{"label":"location","value":{"value":"phone","optionValue":"+351 210"}}}}}`, form.Submission{
			Kind: "X", Name: "Ana Lima", Fields: []form.Field{field("Your name", "Ana Lima", "name"), field("Location", "+351 210")},
		}},
		{"first and last name apart", "calendly", `{"event":"invitee.created","payload":{"first_name":"Ana","last_name":"Lima","email":"ana@example.com"}}`, form.Submission{Kind: "invitee.created", Name: "Ana Lima", Email: "ana@example.com"}},
		{"a submission without a wrapper", "fillout", `{"submissionId":"s","questions":[{"id":"k1","name":"Q","type":"ShortAnswer","value":"a"}],"login":{"email":"ana@example.com"}}`, form.Submission{
			ID: "s", Email: "ana@example.com", Fields: []form.Field{field("Q", "a", "k1")},
		}},
		{"what OpnForm sent before there were ids", "opnform", `{"form_title":"T","submission":{"Email":"ana@example.com"}}`, form.Submission{Title: "T", Email: "ana@example.com", EmailFrom: field("Email", "ana@example.com")}},
		{"labels that cannot all be told apart", "jotform", `{"rawRequest":{"q1_widget":"x","q2_city":"Porto","q3_typeA":"1"},"pretty":"Odd:y, City:Porto, Renamed:1"}`, form.Submission{Fields: []form.Field{
			field("widget", "x", "q1_widget"), field("City", "Porto", "q2_city"), field("typeA", "1", "q3_typeA"),
		}}},
		{"labels that can", "jotform", `{"rawRequest":{"q2_city":"Porto, PT","q3_typeA":"1"},"pretty":"Town, or city::Porto, PT, Renamed:1"}`, form.Submission{Fields: []form.Field{
			field("Town, or city:", "Porto, PT", "q2_city", "city"), field("Renamed", "1", "q3_typeA", "typeA"),
		}}},
		{"a drawn signature", "jotform", `{"rawRequest":{"q1_sign":"data:image/png;base64,AAAA","q2_city":"Porto"},"pretty":"City:Porto"}`, form.Submission{Fields: []form.Field{field("City", "Porto", "q2_city")}}},
		{"a question before a hidden field", "typeform", `{"form_response":{"definition":{"fields":[{"id":"i","title":"To which email shall we write?"}]},"answers":[{"type":"text","text":"b@x.io","field":{"id":"i"}}],"hidden":{"email":"a@x.io"}}}`, form.Submission{
			Email: "b@x.io", EmailFrom: field("To which email shall we write?", "b@x.io", "i"), Fields: []form.Field{field("email", "a@x.io")},
		}},
		{"the address of the account before what is none", "google-forms", `{"email":"a@x.io","fields":[{"title":"Email","value":"the same"}]}`, form.Submission{
			Email: "a@x.io", Fields: []form.Field{field("Email", "the same")},
		}},
		{"an id that is too long to be kept", "google-forms", `{"response_id":"` + strings.Repeat("x", 256) + `","fields":[]}`, form.Submission{}},
		{"a time that is none", "google-forms", `{"submitted_at":"yesterday","fields":[{}]}`, form.Submission{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := vendor(t, tc.vendor).Decode(nil, "application/json", []byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatTheVendorDoesNotSendIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range form.Names() {
		for _, body := range []string{"", "null", "[]", `"x"`, "{", `{"a":1}x`, "{}\x00", strings.Repeat("[", 1000), `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}"} {
			_, err := vendor(t, name).Decode(nil, "application/json", []byte(body))
			refusal, ok := errors.AsType[*form.DecodeError](err)
			if !ok || refusal.Problem != form.Malformed || len(body) > 4 && strings.Contains(refusal.Detail, body) {
				t.Errorf("%s: %.20q is refused with %v", name, body, err)
			}
		}
	}
	for name, part := range map[string]string{
		"typeform": "form_response", "tally": "data", "webflow": "payload", "formspree": "submission", "calcom": "triggerEvent", "calendly": "payload",
		"fillout": "questions", "jotform": "rawRequest", "google-forms": "fields", "standard-webhooks": "data", "opnform": "data",
	} {
		_, err := vendor(t, name).Decode(nil, "application/json", []byte(`{"unknown":true}`))
		if refusal, ok := errors.AsType[*form.DecodeError](err); !ok || refusal.Problem != form.Malformed || !strings.Contains(refusal.Detail, part) {
			t.Errorf("%s: %v, want it to name %q", name, err, part)
		}
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 501 {
		fmt.Fprintf(&fields, `"f%d":1,`, i)
	}
	for _, tc := range []struct{ vendor, body, want string }{
		{"framer", "{" + fields.String() + `"last":null}`, "more than 500 fields"},
		{"framer", `{"a":[` + strings.Repeat("0,", 50_000) + "0]}", "more than 50000 values"},
		{"framer", `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", "deeper than 100 levels"},
	} {
		_, err := vendor(t, tc.vendor).Decode(nil, "application/json", []byte(tc.body))
		if refusal, ok := errors.AsType[*form.DecodeError](err); !ok || refusal.Problem != form.Malformed || !strings.Contains(refusal.Detail, tc.want) {
			t.Errorf("%v, want it to say %q", err, tc.want)
		}
	}
}
