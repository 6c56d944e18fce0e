package form_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/form"
)

var update = flag.Bool("update", false, "write the golden files")

// payload is a file of testdata/<vendor>, with the headers that a file of the
// same name gives it.
type payload struct {
	vendor, path string
	header       http.Header
	body         []byte
}

func (p payload) decode(tb testing.TB) (form.Submission, error) {
	tb.Helper()
	v, ok := form.Named(p.vendor)
	if !ok {
		tb.Fatalf("there is no vendor %q", p.vendor)
	}
	return v.Decode(p.header, p.header.Get("Content-Type"), p.body)
}

func payloads(tb testing.TB) []payload {
	tb.Helper()
	var all []payload
	for _, vendor := range form.Names() {
		files, err := filepath.Glob(filepath.Join("testdata", vendor, "*"))
		if err != nil {
			tb.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(path string) bool {
			return strings.HasSuffix(path, ".golden.json") || strings.HasSuffix(path, ".headers")
		})
		if len(files) == 0 {
			tb.Errorf("no payload shows what %s sends", vendor)
		}
		for _, path := range files {
			body, err := os.ReadFile(path)
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, payload{vendor, path, headers(tb, strings.TrimSuffix(path, filepath.Ext(path))+".headers"), body})
		}
	}
	return all
}

func headers(tb testing.TB, path string) http.Header {
	tb.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return http.Header{"Content-Type": {"application/json"}}
	}
	if err != nil {
		tb.Fatal(err)
	}
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(text, '\n')))).ReadMIMEHeader()
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	return http.Header(h)
}

func TestWhatVendorsSendIsRead(t *testing.T) {
	t.Parallel()
	for _, p := range payloads(t) {
		t.Run(p.path, func(t *testing.T) {
			t.Parallel()
			got, err := p.decode(t)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(p.path, filepath.Ext(p.path)) + ".golden.json"
			if *update {
				writeGolden(t, golden, got)
			}
			text, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; write it with -update", err)
			}
			var want form.Submission
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func writeGolden(t *testing.T, path string, s form.Submission) {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
