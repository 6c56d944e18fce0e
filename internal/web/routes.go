package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/inbound"
)

// newRouter returns all routes. What is not in open needs a session.
func newRouter(o Options) (chi.Router, error) {
	p, err := newPages()
	if err != nil {
		return nil, err
	}
	s := &site{Options: o, pages: p, hashing: make(chan struct{}, 1), throttle: newThrottle(), following: make(chan struct{}, followers)}
	r := chi.NewRouter()
	r.Use(inbound.Recovered(o.Log, sorry), hardened, http.NewCrossOriginProtection().Handler)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusNotFound, "There is nothing here", "The page does not exist, or it went while you were reading.")
	})
	r.Group(s.open)
	r.With(s.onlyWithTokenOrSession).Method(http.MethodGet, "/api/v1/status", o.Status)
	r.Group(s.closed)
	return r, nil
}

// open are the routes without a session.
func (s *site) open(r chi.Router) {
	r.Use(onlyOwnNames(s.Hosts))
	r.Method(http.MethodGet, "/metrics", s.Metrics)
	r.Get("/static/{file}", s.serveStatic)
	r.Get("/login", s.showLogin)
	r.Post("/login", s.login)
	r.Get("/setup/{token}", s.showSetup)
	r.Post("/setup/{token}", s.setup)
}

// closed are the routes of those who are logged in.
func (s *site) closed(r chi.Router) {
	r.Use(s.onlyWithSession)
	r.Post("/logout", s.logout)
	r.Get("/", s.overview)
	r.Get("/events", s.events)
	r.Get("/pipeline", s.pipeline)
	r.Get("/leads", s.listLeads)
	r.Post("/leads", s.listLeads) // a search: what is looked for is part of no address
	r.Get("/leads/{id}", s.showLead)
	r.Post("/leads/held", s.judgeHeld)
	r.Get("/health", s.showHealth)
	r.Post("/health", s.examineAgain)
	r.Get("/records", s.askForRecord)
	r.Post("/records", s.findRecord)
	r.Get("/records/{id}", s.showRecord)
	r.Get("/rules", s.showRules)
	r.Post("/rules/test", s.testRules)
	r.Get("/rules/digests/{name}", s.showDigest)
	r.Post("/rules/digests/{name}", s.orderDigest)
	r.Get("/failures", s.listFailures)
	r.Post("/failures", s.settleFailures)
	r.Get("/failures/{job}", s.showFailure)
	r.Post("/failures/{job}/edit", s.editFailure)
	r.Get("/failures/rejected/{id}", s.showRejected)
	r.Post("/failures/rejected", s.judgeRejected)
}

func sorry(w http.ResponseWriter) {
	http.Error(w, "Something went wrong; the log says more.", http.StatusInternalServerError)
}
