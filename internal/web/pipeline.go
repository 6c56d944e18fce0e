package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/dealbell/dealbell/internal/pipeline"
	"github.com/dealbell/dealbell/internal/rules"
)

// pipelineView is how deals stand.
type pipelineView struct {
	pipeline.Report
	Stages []stageView
	Months []monthView // those in which deals were closed, newest first
	Chart  chart
	Closed int // deals, in all months
}

type stageView struct {
	pipeline.Standing
	Share int // percent of the highest value, or of the most deals where none has a value
}

type monthView struct {
	pipeline.Month
	Label string
}

func (s *site) pipeline(w http.ResponseWriter, r *http.Request) {
	report, err := s.Pipeline(r.Context(), time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := pipelineView{Report: report, Stages: shares(report.Stages), Chart: chart{What: "Win rate by month", Percent: true}}
	for i, m := range report.Months {
		label := m.Start.Format("Jan 2006")
		v.Chart.Bars = append(v.Chart.Bars, bar{Label: label, Value: m.Rate(), None: m.Won+m.Lost == 0})
		v.Closed += m.Won + m.Lost
		if last := report.Months[len(report.Months)-1-i]; last.Won+last.Lost > 0 {
			v.Months = append(v.Months, monthView{last, last.Start.Format("January 2006")})
		}
	}
	v.Chart = v.Chart.drawn()
	s.render(w, r, http.StatusOK, view{Page: "pipeline", Title: "Pipeline", Content: v})
}

func shares(stages []pipeline.Standing) []stageView {
	found := make([]stageView, len(stages))
	byValue := false
	for _, s := range stages {
		byValue = byValue || s.Value > 0
	}
	of := func(s pipeline.Standing) float64 {
		if byValue {
			return s.Value
		}
		return float64(s.Count)
	}
	most := 0.0
	for _, s := range stages {
		most = max(most, of(s))
	}
	for i, s := range stages {
		found[i].Standing = s
		if most > 0 {
			found[i].Share = int(100 * max(0, of(s)) / most)
		}
	}
	return found
}

// money shows a value without its cents.
func money(value float64) string { return "$" + rules.Grouped(strconv.FormatFloat(value, 'f', 0, 64)) }
