package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestEachFaultLooksAsItShouldAndIsProcessedOrNot(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault     sandbox.Fault
		status    int // 0 for a reset
		code      string
		retry     string
		processed bool
	}{
		{sandbox.RateLimited, 429, "rate_limited", "7", false},
		{sandbox.RateLimitedBare, 429, "rate_limited", "", false},
		{sandbox.Overloaded, 529, "service_overload", "7", false},
		{sandbox.InternalError, 500, "internal_server_error", "", false},
		{sandbox.Unavailable, 503, "service_unavailable", "", false},
		{sandbox.SavedButUnavailable, 503, "service_unavailable", "", true},
		{sandbox.GatewayTimeout, 504, "gateway_timeout", "", false},
		{sandbox.Conflict, 409, "conflict_error", "", false},
		{sandbox.RequestBlocked, 429, "rate_limited", "", false},
		{sandbox.BlockLimit, 403, "restricted_resource", "", false},
		{sandbox.RateLimitedAbsurd, 429, "rate_limited", "31536000", false},
		{sandbox.BadRequest, 400, "validation_error", "", false},
		{sandbox.Unauthorized, 401, "unauthorized", "", false},
		{sandbox.Forbidden, 403, "restricted_resource", "", false},
		{sandbox.NotFound, 404, "object_not_found", "", false},
		{sandbox.ConnectionRefused, 0, "", "", false},
		{sandbox.ResetBefore, 0, "", "", false},
		{sandbox.ResetAfter, 0, "", "", true},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			c := newClient(t, sandbox.Options{})
			crm := c.w.StandardCRM()
			c.w.SetFaults(sandbox.Faults{Chance: map[sandbox.Fault]float64{test.fault: 1}, RetryAfter: 7 * time.Second})
			res, raw, err := c.send("POST", "/v1/pages", newPage(crm.Contacts, object{}))
			if rows := c.w.Rows(crm.Contacts); (len(rows) == 1) != test.processed {
				t.Errorf("processed: got %d rows, want processed %v", len(rows), test.processed)
			}
			x := c.w.Transcript()[0]
			if x.Fault != test.fault || x.Wrote != test.processed || x.Status != test.status || x.End.IsZero() {
				t.Errorf("transcript: got %+v", x)
			}
			if test.status == 0 {
				if refused := test.fault == sandbox.ConnectionRefused; !errors.Is(err, syscall.ECONNRESET) && !refused || errors.Is(err, syscall.ECONNREFUSED) != refused {
					t.Errorf("got error %v, want a reset or a refused connection", err)
				}
				return
			}
			var body object
			if err := json.Unmarshal(raw, &body); err != nil {
				t.Fatalf("decode %q: %v", raw, err)
			}
			if res.StatusCode != test.status || body["code"] != test.code || res.Header.Get("Retry-After") != test.retry {
				t.Errorf("got %d %v, Retry-After %q", res.StatusCode, body["code"], res.Header.Get("Retry-After"))
			}
		})
	}
}

func TestASavedChangeIsNamedInTheRefusal(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: sandbox.SavedButUnavailable}}})
	_, out := c.do("POST", "/v1/pages", newPage(crm.Contacts, object{}))
	id := c.w.Rows(crm.Contacts)[0].ID
	if dig(out, "additional_data", "committed_resource_id") != id || len(list(dig(out, "additional_data", "retry_guidance"))) != 2 {
		t.Errorf("create: got %v, want page %s", out["additional_data"], id)
	}
	_, out = c.do("PATCH", "/v1/blocks/"+id+"/children", object{"children": []any{paragraph("x")}})
	if len(list(dig(out, "additional_data", "committed_child_ids"))) != 1 {
		t.Errorf("append: got %v", out["additional_data"])
	}
	if _, out = c.do("GET", "/v1/pages/"+id, nil); out["code"] != "service_unavailable" || out["additional_data"] != nil {
		t.Errorf("a read: got %v, want a plain 503", out)
	}
	c.invalid("POST", "/v1/pages", newPage(crm.Contacts, object{"Zip": object{"number": 1}}), "Zip is not a property that exists.")
}

func TestFaultsWithoutJSON(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{
		{Nth: 1, Fault: sandbox.BadGatewayHTML},
		{Nth: 2, Fault: sandbox.RateLimitedDate, RetryAfter: time.Minute},
		{Nth: 3, Fault: sandbox.Truncated},
	}})
	res, raw, _ := c.send("GET", "/v1/users/me", nil)
	if res.StatusCode != 502 || !strings.HasPrefix(string(raw), "<!DOCTYPE html>") || res.Header.Get("X-Notion-Request-Id") != "" {
		t.Errorf("bad gateway: got %d %q", res.StatusCode, raw)
	}
	res, _, _ = c.send("GET", "/v1/users/me", nil)
	if at, err := http.ParseTime(res.Header.Get("Retry-After")); err != nil || time.Until(at) > time.Minute {
		t.Errorf("date: got %q", res.Header.Get("Retry-After"))
	}
	res, raw, _ = c.send("POST", "/v1/pages", newPage(crm.Contacts, object{}))
	if res.StatusCode != 200 || json.Valid(raw) || len(c.w.Rows(crm.Contacts)) != 1 {
		t.Errorf("truncated: got %d, valid %v", res.StatusCode, json.Valid(raw))
	}
	c.ok("GET", "/v1/users/me", nil)
}

func TestAScriptHitsExactlyTheRequestsItNames(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{
		{Match: sandbox.Match{Method: "PATCH", Path: "/v1/pages/*"}, Nth: 2, Fault: sandbox.Conflict},
	}})
	target := "/v1/pages/" + c.w.AddRow(crm.Contacts, nil)
	for i, want := range []int{200, 409, 200} {
		c.ok("GET", target, nil)
		if got, _ := c.do("PATCH", target, object{"properties": object{}}); got != want {
			t.Errorf("PATCH %d: got %d, want %d", i+1, got, want)
		}
	}
}

func TestRandomFaultsKeepToTheirRequestsAndRepeatWithTheSeed(t *testing.T) {
	t.Parallel()
	run := func() string {
		c := newClient(t, sandbox.Options{Seed: 3})
		crm := c.w.StandardCRM()
		c.w.SetFaults(sandbox.Faults{
			Chance: map[sandbox.Fault]float64{sandbox.Conflict: 0.3, sandbox.InternalError: 0.3},
			Only:   sandbox.Match{WritesOnly: true},
		})
		var fates []string
		for range 40 {
			c.query(crm.Contacts, object{})
			c.do("POST", "/v1/pages", newPage(crm.Contacts, object{}))
		}
		for _, x := range c.w.Transcript() {
			if x.Path == "/v1/pages" {
				fates = append(fates, string(x.Fault))
			}
		}
		return strings.Join(fates, " ")
	}
	first := run()
	if first != run() {
		t.Error("the same seed gives other faults")
	}
	for _, name := range []string{"conflict", "internal_error"} {
		if n := strings.Count(first, name); n < 4 || n > 24 {
			t.Errorf("%s: got %d of 40 at a chance of 0.3", name, n)
		}
	}
}

func TestAWorkspaceThatIsDown(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	c.w.SetDown(true)
	c.refused("GET", "/v1/users/me", nil, 503, "service_unavailable", "Notion is unavailable, please try again later.")
	c.w.SetDown(false)
	c.w.SetUnreachable(true)
	if _, _, err := c.send("GET", "/v1/users/me", nil); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("unreachable: got %v, want a refused connection", err)
	}
	c.w.SetUnreachable(false)
	c.ok("GET", "/v1/users/me", nil)
}

func TestAResetOverASocketIsAnErrorOfTheClient(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: sandbox.ResetAfter}}})
	if res, err := newServer(t, c.w).get(c.request("GET", "/v1/users/me", nil)); err == nil {
		t.Errorf("got %d, want a broken connection", res.StatusCode)
	}
}

func TestTheTranscriptTellsWhichRequestsWroteSomething(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	page := c.create(crm.Contacts, object{})
	c.ok("GET", "/v1/pages/"+page["id"].(string)+"?filter_properties=title", nil)
	c.do("POST", "/v1/pages", newPage(crm.Contacts, object{"Zip": nil}))
	c.query(crm.Contacts, object{})
	c.ok("PATCH", "/v1/pages/"+page["id"].(string), object{"in_trash": true})
	var wrote []bool
	for _, x := range c.w.Transcript() {
		wrote = append(wrote, x.Wrote)
	}
	if want := []bool{true, false, false, false, true}; !slices.Equal(wrote, want) {
		t.Errorf("got %v, want %v", wrote, want)
	}
	x := c.w.Transcript()[1]
	if x.Method != "GET" || x.Query != "filter_properties=title" || x.Status != 200 || x.Version != "2026-03-11" {
		t.Errorf("exchange: got %+v", x)
	}
	if body := c.w.Transcript()[4].Body; string(body) != `{"in_trash":true}` {
		t.Errorf("body: got %s", body)
	}
	c.w.ForgetTranscript()
	if n := len(c.w.Transcript()); n != 0 {
		t.Errorf("forgotten: got %d exchanges", n)
	}
}

func TestAFaultThatIsAddedLeavesThePlanAlone(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Nth: 3, Fault: sandbox.Conflict}}})
	create := func() int {
		res, _, err := c.send("POST", "/v1/pages", newPage(crm.Contacts, object{}))
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	got := []int{create()}
	c.w.AddFault(sandbox.Scripted{Nth: 1, Fault: sandbox.RateLimited})
	for range 3 {
		got = append(got, create())
	}
	if want := []int{200, 429, 409, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhoeverWatchesHearsOfEachExchangeOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	var seen []string
	c.w.Watch(func(x sandbox.Exchange) {
		seen = append(seen, x.Method+" "+x.Path+" "+strconv.Itoa(x.Status)+" "+string(x.Fault))
	})
	c.w.AddFault(sandbox.Scripted{Nth: 1, Fault: sandbox.ResetAfter})
	for range 2 {
		_, _, _ = c.send("POST", "/v1/pages", newPage(crm.Contacts, object{}))
	}
	c.w.Watch(nil)
	_, _, _ = c.send("POST", "/v1/pages", newPage(crm.Contacts, object{}))
	if want := []string{"POST /v1/pages 0 reset_after", "POST /v1/pages 200 "}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}

// What is asked for is done, whether or not anybody waits for the answer.
func TestASteadfastNotionFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	for steadfast, want := range map[bool]int{true: 1, false: 0} {
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.New(sandbox.Options{Latency: time.Second, Steadfast: steadfast})
			crm := w.StandardCRM()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			body, _ := json.Marshal(newPage(crm.Contacts, object{}))
			req, _ := http.NewRequestWithContext(ctx, "POST", "https://api.notion.com/v1/pages", strings.NewReader(string(body)))
			req.Header.Set("Authorization", "Bearer sandbox-token")
			req.Header.Set("Notion-Version", "2026-03-11")
			if _, err := w.Transport().RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
			x := w.Transcript()[0]
			if rows := len(w.Rows(crm.Contacts)); rows != want || !x.Abandoned || x.Wrote != steadfast || x.Status != 0 {
				t.Errorf("steadfast %v: %d rows, transcript %+v", steadfast, rows, x)
			}
		})
	}
}
