package form_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/form"
)

// Bodies that are made to take long, or much memory, take neither. What is
// wrong here takes minutes, not seconds.
func TestHostileBodiesAreCheap(t *testing.T) {
	t.Parallel()
	size := 1 << 20
	if testing.Short() {
		size /= 8
	}
	members := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	for _, tc := range []struct{ vendor, name, body string }{
		{"framer", "a long name", `{"` + strings.Repeat("n", size) + `":1}`},
		{"framer", "many names", `{` + members(size/24, `"%d":"x",`) + `}`},
		{"framer", "long text, deep", `{"a":` + strings.Repeat(`[1,`, 90) + `"` + strings.Repeat("x", size) + `"` + strings.Repeat("]", 90) + `}`},
		{"framer", "a million values", `{"a":[` + strings.TrimSuffix(strings.Repeat("0,", size/2), ",") + `]}`},
		{"framer", "an address of no end", `{"email":"a@` + members(size/10, "%d一丁") + `.io"}`},
		{"own", "an address of no end", `{"email":"a@` + members(5_000, "%d一丁") + `.io"}`},
		{"own", "many names", `{"email":"a@x.io",` + members(450, `"%0100d":"x",`) + `}`},
		{"standard-webhooks", "a long name over many", `{"data":{"` + strings.Repeat("n", size/2) + `":{` + members(size/52, `"%d":{"x":1},`) + `}}}`},
		{"typeform", "hidden fields beside much", `{"form_response":{` + members(size/52, `"%d":0,`) + `,"hidden":{` + members(size/52, `"%d":0,`) + `}}}`},
		{"calendly", "tracking beside much", `{"payload":{` + members(size/52, `"%d":0,`) + `,"tracking":{` + members(size/52, `"%d":0,`) + `}}}`},
		{"jotform", "uploads beside much", `{"rawRequest":{"temp_upload":{` + members(size/52, `"q1_f%d":0,`) + `},` + members(size/52, `"f%d":0,`) + `}}`},
		{"jotform", "labels without end", `{"rawRequest":{` + members(size/52, `"q%d_a":"a",`) + `},"pretty":"` + strings.Repeat(":a,", size/4) + `"}`},
		{"tally", "many options", `{"data":{"fields":[` + strings.TrimSuffix(strings.Repeat(`{"value":[1],"options":[{}]},`, 5_000), ",") + `]}}`},
	} {
		t.Run(tc.vendor+", "+tc.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			if _, err := vendor(t, tc.vendor).Decode(nil, "application/json", []byte(tc.body)); err != nil {
				if _, ok := errors.AsType[*form.DecodeError](err); !ok {
					t.Error(err)
				}
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func FuzzDecodeVendors(f *testing.F) {
	names := form.Names()
	for _, p := range payloads(f) {
		f.Add(uint8(slices.Index(names, p.vendor)), p.header.Get("Content-Type"), p.body)
	}
	f.Fuzz(func(t *testing.T, i uint8, contentType string, body []byte) {
		v := vendor(t, names[int(i)%len(names)])
		got, err := v.Decode(http.Header{"Framer-Webhook-Submission-Id": {contentType}}, contentType, body)
		if err != nil {
			if refusal, ok := errors.AsType[*form.DecodeError](err); !ok || refusal.Detail == "" {
				t.Fatalf("%s: %v, want a *DecodeError with a detail", v.Name, err)
			}
			return
		}
		if len(got.Fields) > 500 {
			t.Fatalf("%s: %d fields", v.Name, len(got.Fields))
		}
		checkTexts(t, 255, got.ID)
		checkTexts(t, 0, got.Email)
		checkTexts(t, 800, got.Title, got.Kind, got.Name)
		for _, field := range append(got.Fields, got.EmailFrom) {
			checkTexts(t, 800, append(field.Keys, field.Name)...)
			checkTexts(t, 0, field.Value)
		}
		for _, field := range got.Fields {
			if field.Value == "" || strings.TrimSpace(field.Value) != field.Value || field.Name == "" && v.Name != "own" {
				t.Fatalf("%s: field %+q", v.Name, field)
			}
		}
	})
}

// checkTexts looks for what no text of a submission has: broken UTF-8,
// control characters, more than so many bytes.
func checkTexts(t *testing.T, most int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if bad := strings.IndexFunc(strings.ToValidUTF8(text, "\x00"), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 }); bad >= 0 || most > 0 && len(text) > most {
			t.Fatalf("text %.300q", text)
		}
	}
}
