package app

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// metrics are the numbers for Prometheus. All names begin with dealbell_.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // to forms
	notion   *prometheus.CounterVec   // requests to Notion
	took     *prometheus.HistogramVec // the same, in seconds
	paused   prometheus.Counter
	jobs     *prometheus.CounterVec
	endToEnd prometheus.Histogram
}

func newMetrics(version string, db *store.DB, subscribed bool) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dealbell_form_requests_total", Help: "Requests to a form, by what became of them.",
		}, []string{"source", "outcome"}),
		notion: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dealbell_notion_requests_total", Help: "Requests to Notion, by endpoint and status; status 0 is no answer.",
		}, []string{"endpoint", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dealbell_notion_request_seconds", Help: "How long Notion took to answer.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"endpoint"}),
		paused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dealbell_notion_pause_seconds_total", Help: "Seconds that Notion asked Dealbell to wait.",
		}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dealbell_jobs_total", Help: "Runs of jobs, by how they ended: done, waiting or dead.",
		}, []string{"kind", "lane", "end"}),
		endToEnd: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dealbell_lead_seconds", Help: "From the latest submission of a contact to the contact in Notion.",
			Buckets: []float64{.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 86400},
		}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "dealbell_build_info", Help: "Always 1; the labels say what runs.",
	}, []string{"version", "go"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.requests, m.notion, m.took, m.paused, m.jobs, m.endToEnd, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &stored{db, subscribed})
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Request implements notion.Observer.
func (m *metrics) Request(endpoint string, status int, took time.Duration) {
	m.notion.WithLabelValues(endpoint, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(endpoint).Observe(took.Seconds())
}

// Paused implements notion.Observer.
func (m *metrics) Paused(d time.Duration) { m.paused.Add(d.Seconds()) }

func (m *metrics) request(source, outcome string) { m.requests.WithLabelValues(source, outcome).Inc() }

func (m *metrics) jobEnded(end crm.End) {
	how := string(end.State)
	if how == "" {
		how = "done"
		if n := len(end.Commit.Progress); n > 0 && !end.Job.CreatedAt.IsZero() {
			m.endToEnd.Observe(time.Since(end.Job.CreatedAt).Seconds())
		}
	}
	m.jobs.WithLabelValues(end.Job.Kind, end.Job.Lane.String(), how).Inc()
}

// stored reads the numbers that the store knows when they are asked for.
type stored struct {
	db         *store.DB
	subscribed bool // a webhook's token is configured
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

var (
	depthDesc       = prometheus.NewDesc("dealbell_queue_jobs", "Jobs in the queue.", []string{"lane", "state"}, nil)
	oldestDesc      = prometheus.NewDesc("dealbell_queue_oldest_seconds", "How long ago the job that waits longest was last asked for.", []string{"lane", "state"}, nil)
	openDesc        = prometheus.NewDesc("dealbell_leads_open", "Leads accepted and not yet in Notion.", nil, nil)
	quarantinedDesc = prometheus.NewDesc("dealbell_quarantined", "Rejected bodies that are kept.", nil, nil)
	leftoversDesc   = prometheus.NewDesc("dealbell_leftovers", "Values that do not fit their database and wait.", nil, nil)
	unsureDesc      = prometheus.NewDesc("dealbell_unsure_creates", "Creates whose outcome is unknown.", nil, nil)
	messagesDesc    = prometheus.NewDesc("dealbell_messages", "Slack messages of the last 90 days, by state.", []string{"state"}, nil)
	lastEventDesc   = prometheus.NewDesc("dealbell_webhook_last_event_seconds", "Unix time of the latest webhook event; 0 for never.", nil, nil)
	silentDesc      = prometheus.NewDesc("dealbell_webhook_silent_seconds", "For how long polls have seen changes that no webhook event told of; 0 while all is well.", nil, nil)
	polledDesc      = prometheus.NewDesc("dealbell_polled_seconds", "Unix time of the latest complete read of a database.", []string{"database"}, nil)
	bytesDesc       = prometheus.NewDesc("dealbell_storage_bytes", "Size of the database and its write-ahead log.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *stored) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		depthDesc, oldestDesc, openDesc, quarantinedDesc, leftoversDesc, unsureDesc, bytesDesc,
		messagesDesc, lastEventDesc, silentDesc, polledDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *stored) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	sum, err := s.db.Summarise(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(openDesc, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, d := range sum.Depths {
		gauge(depthDesc, float64(d.Count), d.Lane.String(), string(d.State))
		gauge(oldestDesc, time.Since(d.Oldest).Seconds(), d.Lane.String(), string(d.State))
	}
	gauge(openDesc, float64(sum.Open))
	gauge(quarantinedDesc, float64(sum.Quarantined))
	gauge(leftoversDesc, float64(sum.Leftovers))
	gauge(unsureDesc, float64(sum.Unsure))
	gauge(bytesDesc, float64(sum.Bytes))
	for state, n := range sum.Messages {
		gauge(messagesDesc, float64(n), string(state))
	}
	for _, r := range sum.Reads {
		gauge(polledDesc, seconds(r.PolledAt), r.Database)
	}
	hooks, err := s.db.Hooks(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(lastEventDesc, err)
		return
	}
	gauge(lastEventDesc, seconds(hooks.LastEvent))
	silent := 0.0
	if since := hooks.SilentSince(time.Now(), s.subscribed); !since.IsZero() {
		silent = time.Since(since).Seconds()
	}
	gauge(silentDesc, silent)
}
