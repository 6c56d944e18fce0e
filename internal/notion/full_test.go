package notion_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestAFullWorkspaceIsSaidOnceInItsOwnWords(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Contacts")
	log := &logbook{}
	client := newClient(t, notion.Options{Transport: w.Transport(), Rate: fast, Log: slog.New(slog.NewTextHandler(log, nil))})
	c := client.Lane(crm.Live)
	schema, err := c.Schema(t.Context(), db.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Fault: sandbox.BlockLimit}}})
	for range 3 {
		_, err := c.Create(t.Context(), schema.DataSource, nil, nil)
		if hint, _ := crm.Hint(err); !errors.Is(err, crm.ErrForbidden) || !strings.Contains(hint, "Free plan") || !strings.Contains(err.Error(), notion.ReasonFull) {
			t.Errorf("got %v, hint %q; want a refusal that names the plan", err, hint)
		}
		if _, err := c.Query(t.Context(), schema.DataSource, crm.Query{}); err != nil { // a read goes on, and proves nothing
			t.Error(err)
		}
	}
	if client.State().FullSince.IsZero() || strings.Count(log.String(), "level=ERROR") != 1 {
		t.Errorf("full since %v, log:\n%s\nwant it said once", client.State().FullSince, log)
	}
	w.SetFaults(sandbox.Faults{})
	if _, err := c.Create(t.Context(), schema.DataSource, nil, nil); err != nil {
		t.Fatal(err)
	}
	if s := client.State(); !s.FullSince.IsZero() {
		t.Errorf("full since %v after a page was made", s.FullSince)
	}
}

func TestTheClocksAreCompared(t *testing.T) {
	t.Parallel()
	for name, apart := range map[string]time.Duration{"Notion is ahead": time.Hour, "Notion is behind": -5 * time.Minute, "they agree": 0} {
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.New(sandbox.Options{Token: token, Latency: 2 * time.Second})
			client := newClient(t, notion.Options{Transport: dated{w.Transport(), apart}})
			if s := client.State(); s.Skew != 0 {
				t.Errorf("%s: skew %v before any answer", name, s.Skew)
			}
			if _, err := client.Lane(crm.Live).Me(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := client.State(); (s.Skew - apart).Abs() > 2*time.Second {
				t.Errorf("%s: skew %v, want about %v", name, s.Skew, apart)
			}
		})
	}
}

// dated answers with the time of a clock that is apart from ours.
type dated struct {
	http.RoundTripper
	apart time.Duration
}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Header.Set("Date", time.Now().Add(d.apart).UTC().Format(http.TimeFormat))
	}
	return resp, err
}
