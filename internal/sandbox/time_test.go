package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestARequestTakesItsLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{Latency: 300 * time.Millisecond})
		start := time.Now()
		c.ok("GET", "/v1/users/me", nil)
		if got := time.Since(start); got != 300*time.Millisecond {
			t.Errorf("got %v, want 300ms", got)
		}
		x := c.w.Transcript()[0]
		if x.End.Sub(x.Start) != 300*time.Millisecond {
			t.Errorf("transcript: got %v to %v", x.Start, x.End)
		}
	})
}

func TestQueriesLagBehindPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{QueryLag: 5 * time.Second})
		crm := c.w.StandardCRM()
		page := c.create(crm.Contacts, object{"Name": object{"title": text("Ann")}})
		target := "/v1/pages/" + page["id"].(string)
		see := func(when, want string) {
			t.Helper()
			got := ""
			for _, title := range titles(c.query(crm.Contacts, object{})) {
				got += title
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", when, got, want)
			}
		}
		see("at once", "")
		c.ok("GET", target, nil)
		time.Sleep(4999 * time.Millisecond)
		see("just before the lag is over", "")
		time.Sleep(time.Millisecond)
		see("after the lag", "Ann")
		c.w.EditRow(page["id"].(string), map[string]any{"Name": "Bob"})
		time.Sleep(time.Second)
		c.w.EditRow(page["id"].(string), map[string]any{"Name": "Cy"})
		see("after two edits", "Ann")
		if got := titleOf(c.ok("GET", target, nil)); got != "Cy" {
			t.Errorf("the page itself: got %q, want Cy", got)
		}
		time.Sleep(4 * time.Second)
		see("when the first edit has arrived", "Bob")
		time.Sleep(time.Second)
		see("when the second edit has arrived", "Cy")
	})
}

func TestTimesOfPagesAreFlooredToTheMinuteAndEditorsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{})
		crm := c.w.StandardCRM()
		time.Sleep(90 * time.Second) // the bubble starts at midnight 2000-01-01
		page := c.create(crm.Contacts, object{})
		time.Sleep(time.Minute)
		c.w.EditRow(page["id"].(string), map[string]any{"Name": "Ann"})
		got := c.ok("GET", "/v1/pages/"+page["id"].(string), nil)
		if got["created_time"] != "2000-01-01T00:01:00.000Z" || got["last_edited_time"] != "2000-01-01T00:02:00.000Z" {
			t.Errorf("times: got %v and %v", got["created_time"], got["last_edited_time"])
		}
		if dig(got, "created_by", "id") != c.w.BotID() || dig(got, "last_edited_by", "id") != c.w.People()[0].ID {
			t.Errorf("authors: got %v and %v", got["created_by"], got["last_edited_by"])
		}
		time.Sleep(time.Minute)
		c.ok("PATCH", "/v1/blocks/"+page["id"].(string)+"/children", object{"children": []any{paragraph("x")}})
		if got = c.ok("GET", "/v1/pages/"+page["id"].(string), nil); got["last_edited_time"] != "2000-01-01T00:03:00.000Z" {
			t.Errorf("after an append: got %v", got["last_edited_time"])
		}
		edited := func(condition, at string) int {
			return len(c.query(crm.Contacts, object{"filter": object{
				"timestamp": "last_edited_time", "last_edited_time": object{condition: at},
			}}))
		}
		if n := edited("on_or_after", "2000-01-01T00:03:30Z"); n != 0 {
			t.Errorf("asked from within the minute: got %d rows, want none: the time is floored", n)
		}
		if n := edited("on_or_after", "2000-01-01T00:03:00Z"); n != 1 {
			t.Errorf("asked from the minute: got %d rows, want 1", n)
		}
	})
}

// statuses sends n requests at once.
func statuses(c *client, n int) (ok int, last *http.Response) {
	for range n {
		res, _, err := c.send("GET", "/v1/users/me", nil)
		if err != nil {
			c.t.Fatal(err)
		}
		if res.StatusCode == http.StatusOK {
			ok++
		} else {
			last = res
		}
	}
	return ok, last
}

func TestTheAverageLimitAllowsThreePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{Limit: sandbox.Average})
		ok, refused := statuses(c, 10)
		if ok != 5 || refused.StatusCode != 429 || refused.Header.Get("Retry-After") != "1" {
			t.Errorf("burst: got %d through, then %d Retry-After %s", ok, refused.StatusCode, refused.Header.Get("Retry-After"))
		}
		time.Sleep(time.Second)
		if ok, _ := statuses(c, 10); ok != 3 {
			t.Errorf("a second later: got %d through, want 3", ok)
		}
		if got := c.w.Transcript()[9].RetryAfter; got != time.Second {
			t.Errorf("transcript: got RetryAfter %v", got)
		}
	})
}

func TestTheWindowLimitAllowsItsBudgetAtAnyPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{Limit: sandbox.Window})
		if ok, _ := statuses(c, 100); ok != 100 {
			t.Errorf("first hundred: got %d", ok)
		}
		time.Sleep(20*time.Second + 300*time.Millisecond)
		ok, refused := statuses(c, 100)
		if ok != 80 || refused.Header.Get("Retry-After") != "40" {
			t.Errorf("rest of the window: got %d, Retry-After %s", ok, refused.Header.Get("Retry-After"))
		}
		time.Sleep(40 * time.Second)
		if ok, _ := statuses(c, 200); ok != 180 {
			t.Errorf("next window: got %d", ok)
		}
	})
}

func TestAHangEndsWithTheContextOrAfterSeventySeconds(t *testing.T) {
	for _, test := range []struct {
		fault sandbox.Fault
		rows  int
	}{{sandbox.HangBefore, 0}, {sandbox.HangAfter, 1}} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, sandbox.Options{})
			crm := c.w.StandardCRM()
			c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: test.fault}}})
			req := c.request("POST", "/v1/pages", newPage(crm.Contacts, object{}))
			ctx, cancel := context.WithTimeout(req.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			_, err := c.w.Transport().RoundTrip(req.WithContext(ctx))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
				t.Errorf("%s: got %v after %v", test.fault, err, time.Since(start))
			}
			if x := c.w.Transcript()[0]; !x.Abandoned || x.Status != 0 || x.Wrote != (test.rows == 1) {
				t.Errorf("%s: transcript %+v", test.fault, x)
			}
			if got := len(c.w.Rows(crm.Contacts)); got != test.rows {
				t.Errorf("%s: got %d rows, want %d", test.fault, got, test.rows)
			}
			start = time.Now()
			if _, _, err := c.send("GET", "/v1/users/me", nil); err == nil || time.Since(start) != 70*time.Second {
				t.Errorf("%s, patient client: got %v after %v", test.fault, err, time.Since(start))
			}
		})
	}
}

func TestASlowAnswerComesByteByByteUntilTheClientGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{})
		crm := c.w.StandardCRM()
		c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: sandbox.SlowDrip}}})
		req := c.request("POST", "/v1/pages", newPage(crm.Contacts, object{}))
		ctx, cancel := context.WithTimeout(req.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		start := time.Now()
		res, err := c.w.Transport().RoundTrip(req.WithContext(ctx))
		if err != nil || res.StatusCode != 200 || time.Since(start) != 0 {
			t.Fatalf("the head: got %v, %v after %v", res, err, time.Since(start))
		}
		raw, err := io.ReadAll(res.Body)
		if !errors.Is(err, context.DeadlineExceeded) || len(raw) != 10 {
			t.Errorf("got %q, %v in ten seconds, want ten bytes", raw, err)
		}
		if got := len(c.w.Rows(crm.Contacts)); got != 1 {
			t.Errorf("got %d rows, want the page made", got)
		}
		start = time.Now()
		if _, raw, err = c.send("GET", "/v1/users/me", nil); err != nil || time.Since(start) != time.Duration(len(raw))*time.Second || !json.Valid(raw) {
			t.Errorf("a patient client: got %q, %v after %v", raw, err, time.Since(start))
		}
	})
}

func TestTheTranscriptTellsHowLongAWaitWasAskedForByADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{})
		c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: sandbox.RateLimitedDate}}, RetryAfter: time.Minute})
		time.Sleep(300 * time.Millisecond)
		c.do("GET", "/v1/users/me", nil)
		if got := c.w.Transcript()[0].RetryAfter; got != 59700*time.Millisecond {
			t.Errorf("got %v, want 59.7s: dates are whole seconds", got)
		}
	})
}

func TestARequestThatIsCancelledDuringItsLatencyIsNotProcessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{Latency: time.Second})
		crm := c.w.StandardCRM()
		req := c.request("POST", "/v1/pages", newPage(crm.Contacts, object{}))
		ctx, cancel := context.WithTimeout(req.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.w.Transport().RoundTrip(req.WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if rows := c.w.Rows(crm.Contacts); len(rows) != 0 {
			t.Errorf("got %d rows, want none", len(rows))
		}
	})
}
