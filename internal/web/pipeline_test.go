package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/pipeline"
)

// report is a pipeline with a bit of everything.
func report() pipeline.Report {
	months := make([]pipeline.Month, 12)
	for i := range months {
		months[i].Start = time.Date(2025, 12+time.Month(i), 1, 0, 0, 0, 0, time.UTC)
	}
	months[10].Won, months[10].Lost = 3, 1
	months[11].Won, months[11].Lost = 1, 2
	return pipeline.Report{
		Known: true, Since: time.Now().Add(-72 * time.Hour), Months: months, Open: pipeline.Stage{Count: 1202, Value: 1234567.5},
		Stages: []pipeline.Standing{
			{Stage: pipeline.Stage{Name: "Lead", Count: 1200, Value: 1000000}, Median: 50 * time.Hour, Stays: 7},
			{Stage: pipeline.Stage{Name: "<b>Negotiation</b>", Count: 1, Value: 250000}},
			{Stage: pipeline.Stage{Name: "Won", Count: 4}, Closed: true},
			{Stage: pipeline.Stage{Count: 1}},
		},
	}
}

func (w *world) pipeline(r pipeline.Report, err error) {
	w.options.Pipeline = func(context.Context, time.Time) (pipeline.Report, error) { return r, err }
	w.build()
}

func TestThePipelineShowsStagesTimesAndTheWinRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	w.pipeline(report(), nil)
	page := w.page("/pipeline")
	for _, want := range []string{
		"1,202 open deals, $1,234,568", "$1,000,000", "2 days", "median of 7 stays", "not known yet", "No stage",
		"&lt;b&gt;Negotiation&lt;/b&gt;", `<rect width="100"`, `<rect width="25"`, ">closed<",
		"October 2026", "75%", "33%", "Win rate by month. Oct 2026: 75%, Nov 2026: 33%.", "Changes are known since",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "September 2026") {
		t.Error("a month in which nothing was closed is in the table")
	}
}

func TestAPipelineWithoutDealsSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	w.pipeline(pipeline.Report{}, nil)
	if page := w.page("/pipeline"); !strings.Contains(page, "no deals to show") || !strings.Contains(page, `href="/health"`) {
		t.Errorf("got %s", page)
	}
	w.pipeline(pipeline.Report{}, errors.New("the disk is gone"))
	if got := w.get("/pipeline"); got.Code != http.StatusInternalServerError || strings.Contains(got.Body.String(), "the disk") {
		t.Errorf("got %d %s, want an apology and nothing of the error", got.Code, got.Body)
	}
}
