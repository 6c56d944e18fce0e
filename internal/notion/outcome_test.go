package notion_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
)

// TestEveryStatus is the table of what an answer means for a read and for a
// write, and how often it is sent before the caller hears of it.
func TestEveryStatus(t *testing.T) {
	t.Parallel()
	const saved = `{"retry_guidance":["Read the object again.","Do not repeat the write."],"committed_resource_id":"` + pageID + `"}`
	for _, tt := range []struct {
		name        string
		response    func(*http.Request) (*http.Response, error)
		read, write error
		reads       int // requests for one read; a write is always one, unless throttled
		writes      int
	}{
		{"400", always(400, errorJSON(400, "validation_error", "x is not a property that exists.")), crm.ErrInvalid, crm.ErrInvalid, 1, 1},
		{"400 archived block", always(400, errorJSON(400, "validation_error", "Can't edit block that is archived. You must unarchive the block before editing.")), crm.ErrTrashed, crm.ErrTrashed, 1, 1},
		{"400 archived ancestor", always(400, errorJSON(400, "validation_error", "Can't edit page on block with an archived ancestor. You must unarchive the ancestor before editing page.")), crm.ErrTrashed, crm.ErrTrashed, 1, 1},
		{"400 of a proxy", always(400, "<html>"), crm.ErrUnavailable, crm.ErrUnavailable, 3, 1},
		{"401", always(401, errorJSON(401, "unauthorized", "API token is invalid.")), crm.ErrForbidden, crm.ErrForbidden, 1, 1},
		{"403", always(403, errorJSON(403, "restricted_resource", "no", `{"block_limit":"block_creation"}`)), crm.ErrForbidden, crm.ErrForbidden, 1, 1},
		{"403 of the edge", always(403, "<html>"), crm.ErrUnavailable, crm.ErrUnavailable, 3, 1},
		{"404", always(404, errorJSON(404, "object_not_found", "Could not find page.")), crm.ErrNotFound, crm.ErrNotFound, 1, 1},
		{"404 of a proxy", always(404, "<html>"), crm.ErrUnavailable, crm.ErrUnavailable, 3, 1},
		{"408", always(408, ""), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"409", always(409, errorJSON(409, "conflict_error", "Conflict occurred while saving.")), crm.ErrConflict, crm.ErrConflict, 1, 1},
		{"413", always(413, ""), crm.ErrInvalid, crm.ErrInvalid, 1, 1},
		{"422", always(422, errorJSON(422, "odd", "odd")), crm.ErrInvalid, crm.ErrInvalid, 1, 1},
		{"302", always(302, "", "Location", "https://evil.example/"), crm.ErrUnavailable, crm.ErrUnavailable, 3, 1},
		{"204", always(204, ""), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"429 short", always(429, errorJSON(429, "rate_limited", "slow"), "Retry-After", "2"), crm.ErrUnavailable, crm.ErrUnavailable, 4, 4},
		{"429 long", always(429, errorJSON(429, "rate_limited", "slow"), "Retry-After", "49"), crm.ErrUnavailable, crm.ErrUnavailable, 1, 1},
		{"429 blocked", always(429, errorJSON(429, "rate_limited", "no", `{"rate_limit_reason":"public_api_request_blocked"}`), "Retry-After", "1"), crm.ErrForbidden, crm.ErrForbidden, 1, 1},
		{"429 of the edge", always(429, "<html>", "Retry-After", "60"), crm.ErrUnavailable, crm.ErrUnavailable, 1, 1},
		{"529", always(529, errorJSON(529, "service_overload", "busy"), "Retry-After", "60"), crm.ErrUnavailable, crm.ErrUnavailable, 1, 1},
		{"500", always(500, errorJSON(500, "internal_server_error", "x")), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"502 html", always(502, "<html>"+email+"</html>"), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"503", always(503, errorJSON(503, "service_unavailable", "x")), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"503 empty", always(503, ""), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"503 saved", always(503, errorJSON(503, "service_unavailable", "The change was saved.", saved)), crm.ErrUnavailable, crm.ErrAmbiguous, 1, 1},
		{"504", always(504, errorJSON(504, "gateway_timeout", "x")), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"522 of the edge", always(522, "<html>"), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"refused", fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), crm.ErrUnavailable, crm.ErrUnavailable, 3, 1},
		{"no such host", fails(&net.DNSError{Err: "no such host", Name: "api.notion.com"}), crm.ErrUnavailable, crm.ErrUnavailable, 3, 1},
		{"reset", fails(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"cut off", cutOff, crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"hangs", hangs, crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
		{"hangs in the body", hangsInBody, crm.ErrUnavailable, crm.ErrAmbiguous, 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for op, ask := range operations() {
				synctest.Test(t, func(t *testing.T) {
					d := &double{answer: tt.response}
					err := ask(t.Context(), quick(t, d))
					want, sent := tt.read, tt.reads
					if isWrite(op) {
						want, sent = tt.write, tt.writes
					}
					if op == "read schema" && errors.Is(want, crm.ErrNotFound) {
						sent = 2 // the id may be that of a data source
					}
					if !errors.Is(err, want) || d.count() != sent {
						t.Errorf("%s: got %v after %d requests, want %v after %d", op, err, d.count(), want, sent)
					}
					if strings.Contains(err.Error(), "failed to") || strings.Contains(err.Error(), email) {
						t.Errorf("%s: the text is %q", op, err)
					}
				})
			}
		})
	}
}

func secretToken() secret.String { return secret.New(token) }

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

type brokenBody struct {
	*strings.Reader
	end func() error
}

func (b brokenBody) Read(p []byte) (int, error) {
	if n, _ := b.Reader.Read(p); n > 0 {
		return n, nil
	}
	return 0, b.end()
}

func (brokenBody) Close() error { return nil }

func cutOff(*http.Request) (*http.Response, error) {
	resp := respond(200, "")
	resp.Body = brokenBody{strings.NewReader(`{"object":"pa`), func() error { return errors.New("unexpected EOF") }}
	return resp, nil
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func hangsInBody(r *http.Request) (*http.Response, error) {
	resp := respond(200, "")
	resp.Body = brokenBody{strings.NewReader(`{"object":"pa`), func() error {
		<-r.Context().Done()
		return r.Context().Err()
	}}
	return resp, nil
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	huge := always(200, `{"x":"`+strings.Repeat("a", 17<<20)+`"}`)
	for op, want := range map[string]error{"read query": crm.ErrInvalid, "write update": crm.ErrAmbiguous} {
		d := &double{answer: huge}
		if err := operations()[op](t.Context(), quick(t, d)); !errors.Is(err, want) || d.count() != 1 {
			t.Errorf("%s: got %v after %d requests, want %v after 1", op, err, d.count(), want)
		}
	}
}

func TestTimeoutsCountTheAttemptOnly(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]time.Duration{"read page": 30 * time.Second, "write update": 60 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var took []time.Duration
			d := &double{}
			d.answer = func(r *http.Request) (*http.Response, error) {
				start := time.Now()
				defer func() { took = append(took, time.Since(start)) }()
				return hangs(r)
			}
			if err := operations()[op](t.Context(), quick(t, d)); err == nil || !strings.Contains(err.Error(), "no answer in time") {
				t.Errorf("%s: got %v", op, err)
			}
			for _, d := range took {
				if d != want {
					t.Errorf("%s: an attempt took %v, want %v", op, d, want)
				}
			}
		})
	}
}

func TestCancelReturnsAtOnce(t *testing.T) {
	t.Parallel()
	for op, ask := range operations() {
		synctest.Test(t, func(t *testing.T) {
			d := &double{answer: hangs}
			c := quick(t, d)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			err := ask(ctx, c)
			want := crm.ErrUnavailable
			if isWrite(op) {
				want = crm.ErrAmbiguous
			}
			if !errors.Is(err, want) || !errors.Is(err, context.Canceled) || time.Since(start) != time.Second || d.count() != 1 {
				t.Errorf("%s: got %v after %v and %d requests, want %v after 1s and 1", op, err, time.Since(start), d.count(), want)
			}
			// Cancelled before it was sent: nothing happened.
			if err := ask(ctx, c); !errors.Is(err, crm.ErrUnavailable) || errors.Is(err, crm.ErrAmbiguous) || d.count() != 1 {
				t.Errorf("%s: got %v after %d requests, want ErrUnavailable and no request", op, err, d.count())
			}
		})
	}
}

func TestSavedWritesAreTold(t *testing.T) {
	t.Parallel()
	created := &double{answer: always(503, errorJSON(503, "service_unavailable", "The change was saved, but the response could not be built in time.",
		`{"retry_guidance":["Do not repeat the write."],"committed_resource_id":"`+strings.ReplaceAll(pageID, "-", "")+`"}`))}
	_, err := quick(t, created).Create(t.Context(), sourceID, nil, nil)
	if id, ok := crm.CommittedID(err); !ok || id != pageID {
		t.Errorf("create: got %v with committed id %q, want %s", err, id, pageID)
	}
	appended := &double{answer: always(503, errorJSON(503, "service_unavailable", "The change was saved.", `{"committed_child_ids":["`+pageID+`"]}`))}
	if err := quick(t, appended).Append(t.Context(), pageID, []crm.Paragraph{{}}); err != nil {
		t.Errorf("append: got %v, want success", err)
	}
}

func TestErrorSaysWhatWhyAndWhere(t *testing.T) {
	t.Parallel()
	answer := always(400, errorJSON(400, "validation_error", "Status is expected to be status."))
	_, err := quick(t, &double{answer: answer}).Update(t.Context(), pageID, map[string]crm.Value{"s": crm.Choice(crm.KindSelect, "x")})
	want := "update page " + pageID + ": Status is expected to be status. (validation_error, 400, request req-1)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	e, ok := errors.AsType[*notion.Error](err)
	if !ok || e.Status != 400 || e.Code != "validation_error" || e.RequestID != "req-1" {
		t.Errorf("got %+v", e)
	}
	if _, ok := crm.RetryAt(err); ok {
		t.Error("a refusal has no time to try again")
	}
	_, err = quick(t, &double{answer: good}).Page(t.Context(), "my page")
	if !errors.Is(err, crm.ErrInvalid) || !strings.Contains(err.Error(), `"my page" is neither an id`) {
		t.Errorf("got %v", err)
	}
}

func TestPanicsOfATransportAreErrors(t *testing.T) {
	t.Parallel()
	for op, ask := range operations() {
		d := &double{answer: func(*http.Request) (*http.Response, error) { panic(email) }}
		err := ask(t.Context(), quick(t, d))
		if want := isWrite(op); err == nil || errors.Is(err, crm.ErrAmbiguous) != want || strings.Contains(err.Error(), email) {
			t.Errorf("%s: got %v, ambiguous should be %v", op, err, want)
		}
	}
}

// TestNoSecretInAnyErrorOrLog sends a hostile server's answers through every
// call: it repeats the token, the email and forged log lines.
func TestNoSecretInAnyErrorOrLog(t *testing.T) {
	t.Parallel()
	messages := []string{
		token, "token " + token + " is bad", "body.properties.mail.email should be a valid email, instead was `\"" + email + "\"`.",
		"instead was `\"a \\\" " + email + "\"`", "instead was `{\"x\":\"" + email + "\"", email, "a\nlevel=ERROR msg=forged\x1b[31m",
	}
	for _, status := range []int{200, 400, 401, 403, 404, 409, 429, 500, 503} {
		for _, message := range messages {
			synctest.Test(t, func(t *testing.T) {
				log := &logbook{}
				d := &double{answer: always(status, errorJSON(status, message, message), "X-Notion-Request-Id", message, "Retry-After", "9")}
				client := newClient(t, notion.Options{Transport: d, Rate: fast, Log: log.logger(), BaseURL: "https://user:" + token + "@proxy.example/notion"})
				for op, ask := range operations() {
					err := ask(t.Context(), client.Lane(crm.Live))
					said := fmt.Sprintf("%v %+v %#v %+v %+v", err, err, err, client.State(), client)
					for _, canary := range []string{token, "ana.canary", "\nlevel", "\x1b"} {
						if strings.Contains(said, canary) || strings.Contains(log.String(), canary) {
							t.Fatalf("%s %d: %q is in %q or in the log %q", op, status, canary, said, log.String())
						}
					}
				}
			})
		}
	}
}

func TestDefaultTransportKnowsWhatWasSent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback:", err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()
	ask := operations()["write create"]
	if err := ask(t.Context(), newClient(t, notion.Options{BaseURL: closed, Rate: fast}).Lane(crm.Live)); !errors.Is(err, crm.ErrUnavailable) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused connection: got %v, want ErrUnavailable", err)
	}
	dropping, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dropping.Close() }()
	go func() {
		for {
			conn, err := dropping.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64<<10))
			_ = conn.Close()
		}
	}()
	if err := ask(t.Context(), newClient(t, notion.Options{BaseURL: "http://" + dropping.Addr().String(), Rate: fast}).Lane(crm.Live)); !errors.Is(err, crm.ErrAmbiguous) {
		t.Errorf("dropped connection: got %v, want ErrAmbiguous", err)
	}
	if err := ask(t.Context(), newClient(t, notion.Options{BaseURL: "https://" + dropping.Addr().String(), Rate: fast}).Lane(crm.Live)); !errors.Is(err, crm.ErrUnavailable) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("broken TLS: got %v, want ErrUnavailable", err)
	}
}

// TestOverARealSocket checks that the in-process doubles do not hide what
// net/http does to requests: bodies, lengths, queries, reused connections.
func TestOverARealSocket(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Contacts")
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	c := newClient(t, notion.Options{BaseURL: server.URL, Rate: fast}).Lane(crm.Live)
	page, err := c.Create(t.Context(), db.DataSourceID, map[string]crm.Value{"title": crm.Text(crm.KindTitle, "Ana")}, []crm.Paragraph{{}})
	if err != nil {
		t.Fatal(err)
	}
	for op, ask := range operations() {
		w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Nth: 1, Fault: sandbox.ResetAfter}}})
		if err := ask(t.Context(), c); errors.Is(err, crm.ErrAmbiguous) != isWrite(op) {
			t.Errorf("%s with a reset: got %v", op, err)
		}
	}
	w.SetFaults(sandbox.Faults{})
	texts, _, err := c.Blocks(t.Context(), page.ID, "")
	if err != nil || len(texts) != 1 || len(w.Rows(db)) != 1 {
		t.Errorf("got %q, %v and %d rows", texts, err, len(w.Rows(db)))
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	t.Parallel()
	if _, err := notion.New(t.Context(), notion.Options{}); err == nil {
		t.Error("an empty token was accepted")
	}
	for _, base := range []string{"ftp://x", "api.notion.com", "http://", "http://a b"} {
		if _, err := notion.New(t.Context(), notion.Options{Token: secretToken(), BaseURL: base}); err == nil || strings.Contains(err.Error(), base) {
			t.Errorf("base %q: got %v", base, err)
		}
	}
}
