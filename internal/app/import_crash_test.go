package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// doom is a network whose process dies at one of its ways: those of requests
// and of answers count.
type doom struct {
	to    http.RoundTripper
	line  *wire
	asked *atomic.Int64
	at    int64
	died  chan struct{}
}

func (d doom) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := d.way(); err != nil {
		return nil, err
	}
	answer, err := d.to.RoundTrip(r)
	if gone := d.way(); gone != nil {
		return nil, gone
	}
	return answer, err
}

func (d doom) way() error {
	if d.asked.Add(1) == d.at {
		d.died <- struct{}{}
	}
	time.Sleep(20 * time.Millisecond)
	if d.line.cut.Load() {
		return errors.New("the process is gone")
	}
	return nil
}

const smallFile = "Name,Email,Company\nAna,ana@example.com,ACME\nBob,bob@example.com,ACME\nCarl,carl@example.com,ACME\n" +
	"Dora,dora@example.com,ACME\nAna again,ANA@example.com,\nEve,eve@example.com,\n"

// TestACrashAtEveryStepOfAnImport kills the process at each request and each
// answer, while a lead of one of the addresses comes in.
func TestACrashAtEveryStepOfAnImport(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	t.Parallel()
	steps := 0
	for more := true; more && !t.Failed(); steps++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{Latency: 60 * time.Millisecond, QueryLag: 10 * time.Second})
			w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "Bob by hand", "Email": "BOB@example.com"})
			w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "Eve", "Email": "eve@example.com"})
			died := make(chan struct{}, 1)
			var asked atomic.Int64
			w.start()
			time.Sleep(2 * time.Minute)
			w.stop()
			doomed := int64(steps + 1)
			w.lay = func(line *wire) { line.next = doom{line.next, line, &asked, doomed, died} }
			w.start()
			id := w.imports(smallFile)
			time.Sleep(time.Second)
			w.accepted(map[string]string{"email": "Dora@example.com", "name": "Dora by web", "message": "hello"})
			select {
			case <-died:
				w.crash()
			case <-time.After(10 * time.Minute):
				more = false
			}
			in := w.imported(id, 10*time.Minute)
			w.settle(10 * time.Minute)
			time.Sleep(time.Minute)
			if in.State != crm.ImportDone || in.Created+in.Updated+in.Unchanged != 5 || in.Rejected != 0 {
				t.Errorf("%+v", in)
			}
			w.checkSmallFile()
			w.stop()
		})
		if t.Failed() {
			t.Logf("killed at step %d", steps+1)
		}
	}
	figure(t, "import killed at every step", 0, "%d steps, no row missing, none twice", steps)
}

func (w *world) checkSmallFile() {
	w.t.Helper()
	names := map[string]string{}
	for _, row := range w.contacts() {
		key := strings.ToLower(row.Values["Email"])
		if names[key] != "" {
			w.t.Errorf("%s is there twice", key)
		}
		names[key] = row.Values["Name"] + "," + row.Values["Company"]
		if key == "dora@example.com" && strings.Count(fmt.Sprint(row.Blocks, row.Values["Notes"]), "hello") != 2 {
			w.t.Errorf("Dora's message: %q, %q", row.Blocks, row.Values["Notes"])
		}
	}
	for key, want := range map[string]string{
		"ana@example.com": "Ana,ACME", "bob@example.com": "Bob by hand,ACME", "carl@example.com": "Carl,ACME", "eve@example.com": "Eve,",
	} {
		if names[key] != want {
			w.t.Errorf("%s is %q, want %q", key, names[key], want)
		}
	}
	if dora := names["dora@example.com"]; dora != "Dora,ACME" && dora != "Dora by web,ACME" || len(names) != 5 {
		w.t.Errorf("contacts %v", names)
	}
	w.attached(func(db *store.DB) error {
		if p := w.plan(db, smallFile); p.Writes() != 0 {
			w.t.Errorf("a second run would write %d rows", p.Writes())
		}
		return nil
	})
}
