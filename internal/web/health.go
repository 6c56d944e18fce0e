package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/doctor"
)

// oldReport is how long one examination is shown before a visit makes another:
// it asks Notion and Slack.
const oldReport = 10 * time.Minute

// examination is the latest report, for all who look.
type examination struct {
	mu     sync.Mutex
	report doctor.Report
}

// latest returns the report, or a new one where it is older than that.
func (e *examination) latest(ctx context.Context, age time.Duration, examine func(context.Context) doctor.Report) doctor.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.report.At) > age {
		report := examine(ctx)
		if ctx.Err() != nil {
			return report // whoever asked has gone, and what is missing is no finding
		}
		e.report = report
	}
	return e.report
}

type healthView struct {
	At       time.Time
	Findings []findingView
	Failing  int
	Warnings int
}

type findingView struct {
	State stateView
	doctor.Finding
}

var findingStates = map[doctor.State]stateView{
	doctor.Fine: {"Fine", "good"}, doctor.Unknown: {"Not known", ""}, doctor.Warning: {"Warning", "wait"}, doctor.Failing: {"Failing", "bad"},
}

func (s *site) showHealth(w http.ResponseWriter, r *http.Request) {
	report := s.examined.latest(r.Context(), oldReport, s.Examine)
	v := healthView{At: report.At}
	for _, f := range report.Findings {
		switch f.State {
		case doctor.Failing:
			v.Failing++
		case doctor.Warning:
			v.Warnings++
		}
		v.Findings = append(v.Findings, findingView{findingStates[f.State], f})
	}
	s.render(w, r, http.StatusOK, view{Page: "health", Title: "Health", Content: v})
}

func (s *site) examineAgain(w http.ResponseWriter, r *http.Request) {
	s.examined.latest(r.Context(), 0, s.Examine)
	seeOther(w, r, "/health", "examined")
}
