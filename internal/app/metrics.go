package app

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/meter"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/store"
)

// metrics are the numbers for Prometheus. All names begin with dealbell_,
// except those of the process, which have the names that dashboards know.
type metrics struct {
	counted    *meter.Set
	db         *store.DB
	subscribed bool         // a webhook's token is configured
	lastMinute meter.Minute // requests to Notion
}

// counted is what happens while the process runs.
var counted = []meter.Family{
	{Name: "dealbell_build_info", Kind: meter.Gauge, Help: "Always 1; the labels say what runs.", Labels: []string{"go", "version"}},
	{Name: "dealbell_form_requests_total", Kind: meter.Counter, Help: "Requests to a form and webhook events, by what became of them.", Labels: []string{"outcome", "source"}},
	{Name: "dealbell_jobs_total", Kind: meter.Counter, Help: "Runs of jobs, by how they ended: done, waiting or dead.", Labels: []string{"end", "kind", "lane"}},
	{Name: "dealbell_lead_seconds", Kind: meter.Histogram, Help: "From the latest submission of a contact to the contact in Notion.", Buckets: []float64{.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 86400}},
	{Name: "dealbell_notion_pause_seconds_total", Kind: meter.Counter, Help: "Seconds that Notion asked Dealbell to wait."},
	{Name: "dealbell_notion_request_seconds", Kind: meter.Histogram, Help: "How long Notion took to answer.", Labels: []string{"endpoint"}, Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}},
	{Name: "dealbell_notion_requests_total", Kind: meter.Counter, Help: "Requests to Notion, by endpoint and status; status 0 is no answer.", Labels: []string{"endpoint", "status"}},
	{Name: "process_start_time_seconds", Kind: meter.Gauge, Help: "When the process started, as Unix time."},
}

// stored is what the store knows when it is asked.
var stored = []meter.Family{
	{Name: "dealbell_leads_open", Kind: meter.Gauge, Help: "Leads accepted and not yet in Notion."},
	{Name: "dealbell_leftovers", Kind: meter.Gauge, Help: "Values that do not fit their database and wait."},
	{Name: "dealbell_messages", Kind: meter.Gauge, Help: "Slack messages of the last 90 days, by state.", Labels: []string{"state"}},
	{Name: "dealbell_polled_seconds", Kind: meter.Gauge, Help: "Unix time of the latest complete read of a database.", Labels: []string{"database"}},
	{Name: "dealbell_quarantined", Kind: meter.Gauge, Help: "Rejected bodies that are kept."},
	{Name: "dealbell_held", Kind: meter.Gauge, Help: "Submissions that are held for review."},
	{Name: "dealbell_queue_jobs", Kind: meter.Gauge, Help: "Jobs in the queue.", Labels: []string{"lane", "state"}},
	{Name: "dealbell_queue_oldest_seconds", Kind: meter.Gauge, Help: "How long ago the job that waits longest was last asked for.", Labels: []string{"lane", "state"}},
	{Name: "dealbell_storage_bytes", Kind: meter.Gauge, Help: "Size of the database and its write-ahead log."},
	{Name: "dealbell_unsure_creates", Kind: meter.Gauge, Help: "Creates whose outcome is unknown."},
	{Name: "dealbell_webhook_last_event_seconds", Kind: meter.Gauge, Help: "Unix time of the latest webhook event; 0 for never."},
	{Name: "dealbell_webhook_silent_seconds", Kind: meter.Gauge, Help: "For how long polls have seen changes that no webhook event told of; 0 while all is well."},
	{Name: "go_goroutines", Kind: meter.Gauge, Help: "Goroutines that exist."},
	{Name: "go_memstats_heap_inuse_bytes", Kind: meter.Gauge, Help: "Bytes of the heap that are in use."},
}

func newMetrics(version string, db *store.DB, subscribed bool) *metrics {
	m := &metrics{counted: meter.NewSet(counted...), db: db, subscribed: subscribed}
	m.counted.Put("dealbell_build_info", 1, runtime.Version(), version)
	m.counted.Put("process_start_time_seconds", seconds(time.Now()))
	return m
}

// Request implements notion.Observer: it counts the request, and notes it in
// the story of the record that it was made for.
func (m *metrics) Request(ctx context.Context, r notion.Request) {
	m.lastMinute.Add(time.Now())
	m.counted.Add("dealbell_notion_requests_total", 1, r.Endpoint, strconv.Itoa(r.Status))
	m.counted.Observe("dealbell_notion_request_seconds", r.Took.Seconds(), r.Endpoint)
	crm.Note(ctx, crm.Step{Kind: crm.StepAsked, At: r.At, Page: r.Page, Endpoint: r.Endpoint, Status: r.Status, Took: r.Took, Request: r.ID})
}

// Paused implements notion.Observer.
func (m *metrics) Paused(d time.Duration) {
	m.counted.Add("dealbell_notion_pause_seconds_total", d.Seconds())
}

func (m *metrics) request(source, outcome string) {
	m.counted.Add("dealbell_form_requests_total", 1, outcome, source)
}

func (m *metrics) jobEnded(end crm.End) {
	how := string(end.State)
	if how == "" {
		how = "done"
		if n := len(end.Commit.Progress); n > 0 && !end.Job.CreatedAt.IsZero() {
			m.counted.Observe("dealbell_lead_seconds", time.Since(end.Job.CreatedAt).Seconds())
		}
	}
	m.counted.Add("dealbell_jobs_total", 1, how, end.Job.Kind, end.Job.Lane.String())
}

func (m *metrics) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, err := m.read(r.Context())
		if err != nil {
			http.Error(w, "read the state: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = errors.Join(m.counted.Write(w), now.Write(w)) // a reader that is gone needs nothing
	})
}

// read asks the store for its numbers.
func (m *metrics) read(ctx context.Context) (*meter.Set, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	sum, err := m.db.Summarise(ctx)
	if err != nil {
		return nil, err
	}
	hooks, err := m.db.Hooks(ctx)
	if err != nil {
		return nil, err
	}
	set := meter.NewSet(stored...)
	for _, d := range sum.Depths {
		set.Put("dealbell_queue_jobs", float64(d.Count), d.Lane.String(), string(d.State))
		set.Put("dealbell_queue_oldest_seconds", time.Since(d.Oldest).Seconds(), d.Lane.String(), string(d.State))
	}
	for state, n := range sum.Messages {
		set.Put("dealbell_messages", float64(n), string(state))
	}
	for _, r := range sum.Reads {
		set.Put("dealbell_polled_seconds", seconds(r.PolledAt), r.Database)
	}
	silent := time.Duration(0)
	if since := hooks.SilentSince(time.Now(), m.subscribed); !since.IsZero() {
		silent = time.Since(since)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	for name, v := range map[string]float64{
		"dealbell_leads_open": float64(sum.Open), "dealbell_held": float64(sum.Held), "dealbell_quarantined": float64(sum.Quarantined), "dealbell_leftovers": float64(sum.Leftovers),
		"dealbell_unsure_creates": float64(sum.Unsure), "dealbell_storage_bytes": float64(sum.Bytes),
		"dealbell_webhook_last_event_seconds": seconds(hooks.LastEvent), "dealbell_webhook_silent_seconds": silent.Seconds(),
		"go_goroutines": float64(runtime.NumGoroutine()), "go_memstats_heap_inuse_bytes": float64(memory.HeapInuse),
	} {
		set.Put(name, v)
	}
	return set, nil
}

// seconds is a moment as Prometheus writes it; 0 for never.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
