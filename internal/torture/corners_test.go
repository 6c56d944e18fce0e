package torture

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// submit sends one lead, which has to be accepted.
func (d *daemon) submit(email, message string) {
	d.tb.Helper()
	body, err := json.Marshal(map[string]string{"name": "Ana", "email": email, "message": message})
	if err != nil {
		d.tb.Fatal(err)
	}
	a, err := post(d.tb.Context(), http.DefaultClient, d.log.public, body)
	if err != nil || a.status != http.StatusAccepted {
		d.tb.Fatalf("lead of %s: %d %s, %v, want 202\n%s", email, a.status, a.body, err, d.log.tail())
	}
}

// drained waits until all leads are in Notion or dead letters.
func (d *daemon) drained(patience time.Duration) {
	d.tb.Helper()
	eventually(d.tb, patience, "no lead is open", func() bool { return d.open() == 0 })
}

// hangs reports how many requests Notion has not answered.
func (w *workspace) hangs() (n int) {
	for _, x := range w.Transcript() {
		if x.End.IsZero() {
			n++
		}
	}
	return n
}

// missing lists those of the first n messages that are not on a page exactly
// once.
func (w *workspace) missing(n int) (list []string) {
	text := ""
	for _, row := range w.live() {
		text += strings.Join(row.Blocks, "\n")
	}
	for i := range n {
		if times := strings.Count(text, message(i)); times != 1 {
			list = append(list, fmt.Sprintf("%s %d times", message(i), times))
		}
	}
	return list
}

func TestStartsAgainAfterAKillWhenALeadCameTwice(t *testing.T) {
	t.Parallel()
	notion := serveNotion(t, sandbox.Options{})
	environment := notion.environment(t, t.TempDir())
	d := start(t, environment)
	notion.SetFaults(sandbox.Faults{Chance: map[sandbox.Fault]float64{sandbox.HangBefore: 1}})
	d.submit("ana@example.com", message(0)) // its job runs and hangs
	eventually(t, 5*time.Second, "the job is under way", func() bool {
		return d.metric(`dealbell_queue_jobs{lane="live",state="running"}`) == 1
	})
	d.submit("ana@example.com", message(1)) // waits behind it
	d.kill()
	notion.SetFaults(sandbox.Faults{})
	start(t, environment).drained(10 * time.Second)
	if missing := notion.missing(2); missing != nil {
		t.Errorf("not on the page exactly once: %v", missing)
	}
	checkOnePagePerPerson(t, notion)
}

// Notion's pace is slow: what six jobs need is not asked for six times.
func TestReadsTheSchemaOnceAfterAStart(t *testing.T) {
	t.Parallel()
	notion := serveNotion(t, sandbox.Options{Latency: 50 * time.Millisecond})
	environment := notion.environment(t, t.TempDir())
	d := start(t, environment)
	notion.SetUnreachable(true)
	for n := range 6 {
		d.submit(person(n).key(), message(n))
	}
	d.kill()
	notion.SetUnreachable(false)
	notion.ForgetTranscript()
	start(t, environment).drained(20 * time.Second)
	reads := 0
	for _, x := range notion.Transcript() {
		if x.Method == http.MethodGet && strings.HasPrefix(x.Path, "/v1/databases/") {
			reads++
		}
	}
	if reads > 1 {
		t.Errorf("the database was read %d times, want once", reads)
	}
}

// While Notion is away the messages of one contact pile up. Together they may
// be more than Notion takes in one request, which is 500 KB.
func TestAPileOfLongMessagesReachesItsPage(t *testing.T) {
	t.Parallel()
	const leads = 40
	long := strings.Repeat("All of this matters. ", 2000)
	notion := serveNotion(t, sandbox.Options{})
	d := start(t, notion.environment(t, t.TempDir()))
	d.submit("ana@example.com", message(0))
	d.drained(10 * time.Second)
	notion.SetDown(true)
	for n := 1; n < leads; n++ {
		d.submit("ana@example.com", message(n)+" "+long)
	}
	notion.SetDown(false)
	d.drained(30 * time.Second)
	if missing := notion.missing(leads); missing != nil {
		t.Errorf("%d of %d messages are not on the page exactly once: %v", len(missing), leads, missing)
	}
}

func TestACreateThatNotionRefusesBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	notion := serveNotion(t, sandbox.Options{})
	notion.through(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/v1/pages" {
				h.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"object":"error","status":400,"code":"validation_error","message":"This is refused.","request_id":"r"}`)
		})
	})
	data := t.TempDir()
	d := start(t, notion.environment(t, data))
	d.submit("ana@example.com", message(0))
	d.drained(10 * time.Second)
	d.stop()
	inspect(t, data, func(db *store.DB) {
		dead, err := db.Jobs(t.Context(), store.JobFilter{State: crm.JobDead})
		if err != nil || len(dead) != 1 || !strings.Contains(dead[0].LastError, "This is refused.") {
			t.Errorf("dead letters: %+v, %v, want one that says why", dead, err)
		}
	})
}
