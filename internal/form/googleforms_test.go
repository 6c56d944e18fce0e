package form_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/form"
)

const (
	scriptSecret = "what the script köws"
	responseID   = "2_ABaOnuc9kYp7w3xTzM5qF0dJ"
	unsent       = "unsent " + responseID
)

// script runs functions of deploy/google-forms.gs in Node, where stand-ins
// for Google's services post to a server of this test.
type script struct {
	t          *testing.T
	properties map[string]string
	triggers   []string
	answers    []answer // one for each request; the last one stays

	mu   sync.Mutex
	got  []received
	site *httptest.Server
}

type answer struct {
	status     int
	retryAfter string
}

type received struct {
	header http.Header
	body   []byte
}

// outcome is what the stand-ins say of a run.
type outcome struct {
	Sleeps     []float64         `json:"sleeps"` // seconds
	Triggers   []string          `json:"triggers"`
	Properties map[string]string `json:"properties"`
	Errors     []string          `json:"errors"`
	Thrown     string            `json:"thrown"`
}

func newScript(t *testing.T, answers ...answer) *script {
	t.Helper()
	s := &script{t: t, answers: answers}
	s.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		now := s.answers[min(len(s.got), len(s.answers)-1)]
		s.got = append(s.got, received{r.Header.Clone(), body})
		if now.retryAfter != "" {
			w.Header().Set("Retry-After", now.retryAfter)
		}
		w.WriteHeader(now.status)
		io.WriteString(w, "said the server")
	}))
	t.Cleanup(s.site.Close)
	s.properties = map[string]string{"DEALBELL_URL": s.site.URL + "/forms/survey", "FORM_SECRET": " " + scriptSecret + "\n"}
	return s
}

// run calls a function of the script and keeps the properties it leaves.
func (s *script) run(function string) outcome {
	s.t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("DEALBELL_REQUIRE_ALL") == "1" {
			s.t.Fatal("there is no node to run deploy/google-forms.gs with")
		}
		s.t.Skip("there is no node to run deploy/google-forms.gs with; DEALBELL_REQUIRE_ALL=1 makes this an error")
	}
	scenario, err := json.Marshal(map[string]any{
		"script": s.file("../../deploy/google-forms.gs"), "call": function, "title": "Sign-up ✓", "properties": s.properties, "triggers": s.triggers,
		"response": json.RawMessage(`{"id":"` + responseID + `","at":"2026-11-18T09:15:03Z","email":"mara@example.com","items":[
			{"id":1530846381,"title":"Full name","type":"TEXT","response":"Mara Przykład"},
			{"id":7,"title":"Which days?","type":"CHECKBOX","response":["Friday","Saturday"]},
			{"id":8,"title":"How was it?","type":"GRID","rows":["Food","Talks","Music"],"response":["Good",null,"Poor"]},
			{"id":9,"title":"When will you be here?","type":"CHECKBOX_GRID","rows":["Friday","Saturday"],"response":[["Morning","Evening"],null]},
			{"id":10,"title":"Slides","type":"FILE_UPLOAD","response":["1dRiVeFiLe"]},
			{"id":11,"title":"Anything else?","type":"PARAGRAPH_TEXT","response":"Vegetarian.\n\"No\" nuts 🥜 <b>"},
			{"id":12,"title":"Not answered","type":"TEXT","response":""}]}`),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), node, "-e", s.file("testdata/apps-script.js"))
	cmd.Stdin = bytes.NewReader(scenario)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v: %s", err, stderr.String())
	}
	var o outcome
	if err := json.Unmarshal(stdout, &o); err != nil {
		s.t.Fatal(err)
	}
	s.properties, s.triggers = o.Properties, o.Triggers
	return o
}

// file reads a file here, so that the result is cached only while it is the same.
func (s *script) file(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// attempts returns the requests since the last call, each with a signature
// that is right for when it came.
func (s *script) attempts() []received {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.got {
		timestamp := r.header.Get("X-Form-Timestamp")
		mac := hmac.New(sha256.New, []byte(scriptSecret))
		mac.Write([]byte(timestamp + "." + string(r.body)))
		if want := hex.EncodeToString(mac.Sum(nil)); r.header.Get("X-Form-Signature") != want {
			s.t.Errorf("signature %q, want %s", r.header.Get("X-Form-Signature"), want)
		}
		if at, err := strconv.ParseInt(timestamp, 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
			s.t.Errorf("timestamp %q: %v", timestamp, err)
		}
		if key := r.header.Get("Idempotency-Key"); key != responseID || !bytes.Equal(r.body, s.got[0].body) {
			s.t.Errorf("an attempt under %q with another body", key)
		}
	}
	got := s.got
	s.got = nil
	return got
}

func TestTheGoogleFormsScriptSendsWhatTheVendorReads(t *testing.T) {
	t.Parallel()
	s := newScript(t, answer{status: http.StatusAccepted})
	if o := s.run("onFormSubmit"); o.Thrown != "" || len(o.Sleeps) > 0 {
		t.Errorf("it slept %v and threw %q", o.Sleeps, o.Thrown)
	}
	got := s.attempts()
	if len(got) != 1 {
		t.Fatalf("%d requests, want 1", len(got))
	}
	submission, err := vendor(t, "google-forms").Decode(got[0].header, got[0].header.Get("Content-Type"), got[0].body)
	if err != nil {
		t.Fatal(err)
	}
	want := form.Submission{
		ID: responseID, At: time.Date(2026, 11, 18, 9, 15, 3, 0, time.UTC), Title: "Sign-up ✓", Email: "mara@example.com", Name: "Mara Przykład",
		Fields: []form.Field{
			{Name: "Full name", Keys: []string{"1530846381"}, Value: "Mara Przykład"},
			{Name: "Which days?", Keys: []string{"7"}, Value: "Friday, Saturday"},
			{Name: "How was it?", Keys: []string{"8"}, Value: "Food: Good, Music: Poor"},
			{Name: "When will you be here?", Keys: []string{"9"}, Value: "Friday: Morning, Evening"},
			{Name: "Slides", Keys: []string{"10"}, Value: "https://drive.google.com/open?id=1dRiVeFiLe"},
			{Name: "Anything else?", Keys: []string{"11"}, Value: "Vegetarian.\n\"No\" nuts 🥜 <b>"},
		},
	}
	if diff := cmp.Diff(want, submission); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheGoogleFormsScriptTriesAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		answers []answer
		sleeps  []float64
		thrown  string
		kept    bool // to be sent again in an hour
	}{
		{"it is throttled, then taken", []answer{{429, "20"}, {503, ""}, {500, "3600"}, {202, ""}}, []float64{20, 8, 60}, "", false},
		{"the server is down for longer", []answer{{503, ""}}, []float64{2, 8, 30, 60, 60}, "did not take response " + responseID + ": 503 said the server", true},
		{"the secret is wrong", []answer{{401, ""}}, nil, "401 said the server", true},
		{"the address is wrong", []answer{{404, ""}}, nil, "404", true},
		{"the address moved", []answer{{301, ""}}, nil, "301", true},
		{"the response is refused", []answer{{422, ""}}, nil, "422", false},
		{"it was taken before", []answer{{200, ""}}, nil, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, tc.answers...)
			o := s.run("onFormSubmit")
			if !slices.Equal(o.Sleeps, tc.sleeps) || len(s.attempts()) != len(tc.sleeps)+1 {
				t.Errorf("it slept %v, want %v", o.Sleeps, tc.sleeps)
			}
			if !strings.Contains(o.Thrown, tc.thrown) || (o.Thrown == "") != (tc.thrown == "") {
				t.Errorf("it threw %q, want %q", o.Thrown, tc.thrown)
			}
			if _, kept := o.Properties[unsent]; kept != tc.kept {
				t.Errorf("kept to be sent again: %v, want %v", kept, tc.kept)
			}
		})
	}
}

func TestTheGoogleFormsScriptSendsWhatItCouldNot(t *testing.T) {
	t.Parallel()
	s := newScript(t, answer{status: http.StatusAccepted})
	there := s.properties["DEALBELL_URL"]
	s.properties["DEALBELL_URL"] = "http://127.0.0.1:1/" // nobody listens
	if o := s.run("onFormSubmit"); !strings.Contains(o.Thrown, "Address unavailable") || len(o.Sleeps) != 5 || o.Properties[unsent] == "" {
		t.Fatalf("with nobody there: %+v", o)
	}
	if o := s.run("sendUnsent"); o.Thrown == "" || o.Properties[unsent] == "" {
		t.Fatalf("with nobody there an hour later: %+v", o)
	}
	s.properties["DEALBELL_URL"] = there
	s.properties["unsent deleted"] = "a response that somebody deleted"
	if o := s.run("sendUnsent"); o.Thrown != "" || len(o.Properties) != 2 || len(s.attempts()) != 1 {
		t.Errorf("with the server back: %+v", o)
	}
	if o := s.run("sendUnsent"); o.Thrown != "" || len(s.attempts()) != 0 {
		t.Errorf("with nothing left to send: %+v", o)
	}
}

func TestTheGoogleFormsScriptSetsItselfUpOnce(t *testing.T) {
	t.Parallel()
	s := newScript(t, answer{status: http.StatusAccepted})
	s.run("setUp")
	if o := s.run("setUp"); o.Thrown != "" || !slices.Equal(o.Triggers, []string{"onFormSubmit", "sendUnsent"}) {
		t.Errorf("triggers %q, threw %q", o.Triggers, o.Thrown)
	}
	delete(s.properties, "FORM_SECRET")
	if o := s.run("setUp"); !strings.Contains(o.Thrown, "script property FORM_SECRET is not set") {
		t.Errorf("without a secret it threw %q", o.Thrown)
	}
}
