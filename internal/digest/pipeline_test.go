package digest_test

import (
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
)

// pipeline is the standard digest with some fields set over it.
func pipeline(over digest.Spec) digest.Spec { return over.Over(digest.Standard()["pipeline"]) }

// past lets a test begin some days before the present of its name, and
// returns the time n days before that present.
func past(present time.Time) func(n int) time.Time {
	return func(n int) time.Time { return present.AddDate(0, 0, -n) }
}

func TestThePipeline(t *testing.T) {
	t.Parallel()
	at(t, "Europe/Berlin", "2026-09-01 09:00", func(w *world) {
		present := time.Date(2026, 11, 23, 9, 0, 0, 0, w.zone) // a Monday, and winter
		ago := past(present)
		step := func(days int, page, name, stage, value string, created int) {
			t.Helper()
			time.Sleep(time.Until(ago(days)))
			w.deal(page, name, stage, value, ago(created), ago(days))
		}
		// There before the ledger, and edited at some time.
		w.deal("old", "Old & <Sons>", "Lead", "1000.5", ago(500), ago(200))
		w.deal("late", "Late", "Negotiation", "", ago(500), ago(200))
		w.deal("never", "Never edited", "Lead", "", ago(400), ago(400))
		w.deal("lost", "Lost cause", "Lost", "99", ago(400), ago(300))
		w.deal("acme", "Acme", "Lead", "5000", ago(300), ago(299))
		step(60, "new", "New", "Negotiation", "2000", 60)
		step(41, "beta", "Beta", "Lead", "7", 300)
		step(40, "beta", "Beta", "Negotiation", "7", 300)
		step(30, "edge", "Edge", "Lead", "0.1", 30)       // 30 days are not more than 30
		step(10, "late", "Late", "Negotiation", "3", 500) // its value, not its stage
		step(8, "early", "Early", "Lead", "0.2", 8)
		step(6, "acme", "Acme", "Negotiation", "5000", 300)
		step(5, "back", "Back", "Lead", "1", 5)
		step(4, "back", "Back", "Negotiation", "1", 5)
		step(3, "back", "Back", "Lead", "1", 5)
		step(2, "acme", "Acme", "Won", "5000", 300)
		step(1, "early", "Early", "", "0.2", 8)
		time.Sleep(time.Until(present))
		expect(t, w.says("pipeline", pipeline(digest.Spec{Off: new(false)})),
			"📊 Pipeline: 8 open deals, $3,011.80",
			"• Lead: 4 deals, $1,001.60",
			"• Negotiation: 3 deals, $2,010",
			"• no stage: 1 deal, $0.20",
			"Moved this week:",
			"• *Early* Lead → no stage",
			"• *Acme* Lead → Won",
			"Stuck for more than 30 days:",
			"• *Never edited* in Lead for 400 days",
			"• *Old &amp; &lt;Sons&gt;* in Lead for at least 200 days",
			"• *Late* in Negotiation for at least 83 days", // as long as the ledger
			"• *New* in Negotiation for 60 days",
			"• *Beta* in Negotiation for 40 days",
		)
	})
}

func TestThePipelineNamesNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-09-01 09:00", func(w *world) {
		made := time.Now().AddDate(-1, 0, 0)
		for _, name := range []string{"A", "B", "C"} {
			made = made.AddDate(0, 0, 1)
			w.deal("stuck "+name, name, "Lead", "1", made, made)
			w.deal("moved "+name, name, "Lead", "1", made, made)
		}
		time.Sleep(time.Hour)
		for _, name := range []string{"A", "B", "C"} {
			time.Sleep(time.Hour)
			w.deal("moved "+name, name, "Won", "1", made, time.Now())
		}
		expect(t, w.says("pipeline", pipeline(digest.Spec{Limit: 2})),
			"📊 Pipeline: 3 open deals, $3",
			"• Lead: 3 deals, $3",
			"Moved this week:",
			"• *C* Lead → Won",
			"• *B* Lead → Won",
			"… and 1 more",
			"Stuck for more than 30 days:",
			"• *A* in Lead for 364 days",
			"• *B* in Lead for 363 days",
			"… and 1 more",
		)
	})
}

func TestAPipelineOfOnesOwn(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		made := time.Now().AddDate(-1, 0, 0)
		w.deal("", "A", "Lead", "1", made, made)
		w.deal("", "B", "Won", "1", made, made)
		w.deal("", "Test", "Lead", "1", made, made)
		expect(t, w.says("d", digest.Spec{Schedule: "09:00", Database: "deals", Stage: "stage", Filter: `prop("Deal Name") != "test"`}),
			"📊 Pipeline: 2 open deals", "• Lead: 1 deal", "• Won: 1 deal")
	})
}

func TestAPipelineWithoutRowsSaysNothing(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.deal("", "Done", "Won", "1", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(-1, 0, 0))
		expect(t, w.says("pipeline", pipeline(digest.Spec{})), "")
	})
}

func TestTheLedgerIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		time.Sleep(time.Minute)
		made := time.Now()
		for i := range 1201 {
			stage := [2]string{"Lead", "Negotiation"}[i%2]
			w.apply(crm.Commit{Sights: []crm.Sight{{Database: deals, By: crm.SeenFetch, AskedAt: time.Now(), Page: crm.Page{
				ID: "p", CreatedAt: made, EditedAt: time.Now(), Values: map[string]crm.Value{"stage": crm.Choice(crm.KindStatus, stage)},
			}}}})
			time.Sleep(time.Minute)
		}
		w.deal("p", "Restless", "Won", "", made, time.Now())
		expect(t, w.says("pipeline", pipeline(digest.Spec{Empty: "x"})), "📊 Pipeline: 0 open deals, $0", "Moved this week:", "• *Restless* Lead → Won")
	})
}
