package app

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	vm "github.com/VictoriaMetrics/metrics"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// metrics are the numbers for Prometheus. All names begin with dealbell_.
//
// They are written by VictoriaMetrics' library: Prometheus' own, with what it
// brings along, would make the binary 2.2 MB larger and an idle daemon 1.6 MB.
type metrics struct {
	counted    *vm.Set
	db         *store.DB
	subscribed bool // a webhook's token is configured
}

func newMetrics(version string, db *store.DB, subscribed bool) *metrics {
	vm.ExposeMetadata(true)
	m := &metrics{counted: vm.NewSet(), db: db, subscribed: subscribed}
	m.counted.GetOrCreateGauge(series("dealbell_build_info", "go", runtime.Version(), "version", version), nil).Set(1)
	m.counted.GetOrCreateFloatCounter("dealbell_notion_pause_seconds_total") // that Notion asked Dealbell to wait
	m.endToEnd()
	return m
}

// series writes a name with its labels, given as name and value.
func series(name string, labels ...string) string {
	var b strings.Builder
	b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(labels[i] + "=" + strconv.Quote(labels[i+1]))
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	return b.String()
}

// Request implements notion.Observer. Status 0 is no answer.
func (m *metrics) Request(endpoint string, status int, took time.Duration) {
	m.counted.GetOrCreateCounter(series("dealbell_notion_requests_total", "endpoint", endpoint, "status", strconv.Itoa(status))).Inc()
	m.counted.GetOrCreatePrometheusHistogramExt(series("dealbell_notion_request_seconds", "endpoint", endpoint),
		[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}).Update(took.Seconds())
}

// Paused implements notion.Observer.
func (m *metrics) Paused(d time.Duration) {
	m.counted.GetOrCreateFloatCounter("dealbell_notion_pause_seconds_total").Add(d.Seconds())
}

// request counts what became of a request to a form or of a webhook event.
func (m *metrics) request(source, outcome string) {
	m.counted.GetOrCreateCounter(series("dealbell_form_requests_total", "outcome", outcome, "source", source)).Inc()
}

// endToEnd is the time from the latest submission of a contact to the contact
// in Notion.
func (m *metrics) endToEnd() *vm.PrometheusHistogram {
	return m.counted.GetOrCreatePrometheusHistogramExt("dealbell_lead_seconds", []float64{.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 86400})
}

// jobEnded counts the runs of jobs, by how they ended: done, waiting or dead.
func (m *metrics) jobEnded(end crm.End) {
	how := string(end.State)
	if how == "" {
		how = "done"
		if n := len(end.Commit.Progress); n > 0 && !end.Job.CreatedAt.IsZero() {
			m.endToEnd().Update(time.Since(end.Job.CreatedAt).Seconds())
		}
	}
	m.counted.GetOrCreateCounter(series("dealbell_jobs_total", "end", how, "kind", end.Job.Kind, "lane", end.Job.Lane.String())).Inc()
}

func (m *metrics) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stored, err := m.stored(r.Context())
		if err != nil {
			http.Error(w, "read the state: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		for _, write := range []func(io.Writer){m.counted.WritePrometheus, stored.WritePrometheus, vm.WriteProcessMetrics} {
			write(w)
		}
	})
}

// stored are the numbers that the store knows when it is asked.
func (m *metrics) stored(ctx context.Context) (*vm.Set, error) {
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
	set := vm.NewSet()
	gauge := func(v float64, name string, labels ...string) {
		set.GetOrCreateGauge(series(name, labels...), nil).Set(v)
	}
	for _, d := range sum.Depths {
		lane, state := d.Lane.String(), string(d.State)
		gauge(float64(d.Count), "dealbell_queue_jobs", "lane", lane, "state", state)
		gauge(time.Since(d.Oldest).Seconds(), "dealbell_queue_oldest_seconds", "lane", lane, "state", state) // since it was last asked for
	}
	gauge(float64(sum.Open), "dealbell_leads_open") // accepted and not yet in Notion
	gauge(float64(sum.Quarantined), "dealbell_quarantined")
	gauge(float64(sum.Leftovers), "dealbell_leftovers")   // values that do not fit their database and wait
	gauge(float64(sum.Unsure), "dealbell_unsure_creates") // whose outcome is unknown
	gauge(float64(sum.Bytes), "dealbell_storage_bytes")   // of the database and its write-ahead log
	for state, n := range sum.Messages {
		gauge(float64(n), "dealbell_messages", "state", string(state)) // of the last 90 days
	}
	for _, r := range sum.Reads {
		gauge(seconds(r.PolledAt), "dealbell_polled_seconds", "database", r.Database) // Unix time of the latest complete read
	}
	gauge(seconds(hooks.LastEvent), "dealbell_webhook_last_event_seconds") // Unix time, 0 for never
	silent := 0.0                                                          // for how long polls have seen changes that no event told of
	if since := hooks.SilentSince(time.Now(), m.subscribed); !since.IsZero() {
		silent = time.Since(since).Seconds()
	}
	gauge(silent, "dealbell_webhook_silent_seconds")
	return set, nil
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
