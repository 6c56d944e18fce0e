// Package ingest is the public side of Dealbell: HTTP in.
//
// Every inbound request takes the same steps: cap the body, read it raw,
// verify it, make it durable, answer. It promises that nothing is answered
// with 202 that is not on the disk, that nothing unsigned has an effect, and
// that a body with a wrong signature is kept for the operator. It calls no
// other system but the captcha that a form asks for, and that for two seconds
// at most; all else happens later, in jobs.
package ingest

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/time/rate"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/inbound"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

// Inbox makes deliveries durable. What it returns is on the disk.
type Inbox interface {
	Accept(ctx context.Context, in store.Intake) (store.Receipt, error)
	Quarantine(ctx context.Context, r store.Rejected) error
	Result(ctx context.Context, delivery string) (crm.Progress, bool, error)
	Watch(delivery string) (ended <-chan struct{}, stop func())
}

// Part is one part of the daemon, as health checks name it.
type Part struct {
	Name   string
	OK     bool
	Detail string // why not, or something worth knowing
}

// Health tells how the parts are.
type Health interface {
	Alive(ctx context.Context) []Part // should the process be restarted?
	Ready(ctx context.Context) []Part // can it take a lead right now?
}

// Options are what the public listener needs.
type Options struct {
	Inbox    Inbox
	Hooks    Hooks
	Health   Health
	Wake     func() // called after a delivery was accepted
	Forms    []Form
	Guard    *antispam.Guard              // of forms in browsers
	Trusted  []netip.Prefix               // proxies whose word on the client's address counts, beside those on this machine
	Token    secret.String                // of Notion's webhook subscription, where it is configured
	Draining <-chan struct{}              // closed when the process is stopping: nobody waits any more
	Counted  func(source, outcome string) // told of every request to a form and every event; may be nil
	Log      *slog.Logger
}

const (
	maxBody     = 64 << 10
	maxInFlight = 512 // requests at once; beyond it 503
	maxWaiting  = 128 // of them those that wait for an outcome; beyond it they are answered at once
)

// Handler returns the routes of the public listener. Every other path is 404.
func Handler(o Options) (http.Handler, error) {
	if o.Counted == nil {
		o.Counted = func(string, string) {}
	}
	r := chi.NewRouter()
	r.Use(inbound.Recovered(o.Log, func(w http.ResponseWriter) { refuse(http.StatusInternalServerError, "").write(w) }))
	place, hooks := limitInFlight(maxInFlight), &bodies{most: maxEvents}
	small := &bodies{most: maxBodies}
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, "there is nothing at this path").write(w)
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Allow", allowed(r, q.URL.Path))
		refuse(http.StatusMethodNotAllowed, "this path takes "+w.Header().Get("Allow")).write(w)
	})
	waiting := make(chan struct{}, maxWaiting)
	for _, f := range o.Forms {
		read := small
		if f.Vendor.MaxBody > maxBody {
			read = hooks
		}
		d := desk{Options: o, form: f, waiting: waiting}
		if err := d.route(r.With(place), r.With(read.first(f.Vendor.MaxBody), place)); err != nil {
			return nil, err
		}
	}
	r.With(hooks.first(maxEvent), place).Method(http.MethodPost, "/notion-webhook", &events{
		Options: o, strangers: rate.NewLimiter(strangerRate, strangerBurst), refusals: &rate.Sometimes{First: 3, Interval: time.Minute},
	})
	for path, parts := range map[string]func(context.Context) []Part{"/healthz": o.Health.Alive, "/readyz": o.Health.Ready} {
		r.With(place).Get(path, health(parts))
		r.With(place).Head(path, health(parts)) // net/http leaves the body out
	}
	return r, nil
}

// route adds the paths of one form; post has read the body.
func (d desk) route(get, post chi.Router) error {
	if d.form.Public != nil {
		return d.routePublic(get, post)
	}
	post.Method(http.MethodPost, d.form.Path, &submissions{
		desk: d, strangers: rate.NewLimiter(strangerRate, strangerBurst), outdated: &rate.Sometimes{Interval: time.Hour},
	})
	return nil
}

// allowed names the method of a path; chi leaves that to us once the answer
// is our own.
func allowed(routes chi.Routes, path string) string {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if routes.Match(chi.NewRouteContext(), method, path) {
			return method
		}
	}
	return ""
}

// health answers 200 when all parts are well and 503 otherwise.
func health(parts func(context.Context) []Part) http.HandlerFunc {
	type part struct {
		Status string `json:"status"`
		Detail string `json:"detail,omitempty"`
	}
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		answer := struct {
			Status string          `json:"status"`
			Parts  map[string]part `json:"parts"`
		}{"ok", map[string]part{}}
		status := http.StatusOK
		for _, p := range parts(ctx) {
			word := "ok"
			if !p.OK {
				word, answer.Status, status = "failing", "failing", http.StatusServiceUnavailable
			}
			answer.Parts[p.Name] = part{word, p.Detail}
		}
		writeJSON(w, status, "application/json", answer)
	}
}

func limitInFlight(n int) func(http.Handler) http.Handler {
	slots := make(chan struct{}, n)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				next.ServeHTTP(w, r)
			default:
				refuse(http.StatusServiceUnavailable, "too many requests at once").after(time.Second).write(w)
			}
		})
	}
}
