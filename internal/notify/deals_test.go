package notify

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

// deals is the Deals database as it is read at some time.
func deals() crm.Schema {
	return crm.Schema{Database: "deals", Name: "Deals", ReadAt: time.Now(), Properties: []crm.Property{
		{ID: "title", Name: "Deal Name", Kind: crm.KindTitle},
		{ID: "stage", Name: "Stage", Kind: crm.KindStatus, Options: []string{"Lead", "Negotiation", "Won", "Lost"}},
		{ID: "step", Name: "Next step", Kind: crm.KindText},
	}}
}

// rule is one of deals, on a stage; more is a condition.
func (w *world) rule(name, becomes, more, text string) {
	w.Helper()
	r, err := rules.Compile(name, rules.Spec{
		When: rules.When{Property: rules.List{"Stage"}, Becomes: rules.List{becomes}}, If: more, Channel: "sales", Text: text,
	})
	if err != nil {
		w.Fatal(err)
	}
	w.o.Rules = append(w.o.Rules, Rule{Database: "deals", Rule: r})
	w.restart()
}

// edit is a deal as it is seen after an edit: a stage, a title and a step.
func (w *world) edit(page string, values ...string) crm.Sight {
	v := map[string]crm.Value{"stage": crm.Choice(crm.KindStatus, values[0]), "title": crm.Text(crm.KindTitle, page), "step": crm.Text(crm.KindText, "")}
	if len(values) > 1 {
		v["title"] = crm.Text(crm.KindTitle, values[1])
	}
	if len(values) > 2 {
		v["step"] = crm.Text(crm.KindText, values[2])
	}
	return observe.Database{ID: "deals"}.Look(crm.SeenFetch, time.Now(), crm.Page{
		ID: page, URL: "https://notion.example/" + page, CreatedAt: time.Date(1999, 12, 24, 0, 0, 0, 0, time.UTC), EditedAt: time.Now().Truncate(time.Minute), Values: v,
	})[0]
}

// inDeals runs a test with the Deals database and the deals a, b and c in
// stage Lead, and a minute later.
func inDeals(t *testing.T, test func(w *world)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.db.Follow(store.Follow{Changed: MatchJob(), Clue: func(string) crm.Job { return crm.Job{Kind: "clue"} }})
		w.apply(crm.Commit{Schemas: []crm.Schema{deals()}, Reads: []crm.Read{{Database: "deals", CompletedAt: time.Now()}}})
		w.apply(crm.Commit{Sights: []crm.Sight{w.edit("a", "Lead"), w.edit("b", "Lead"), w.edit("c", "Lead")}})
		pass(time.Minute)
		test(w)
	})
}

// see commits sights, one after the other.
func (w *world) see(sights ...crm.Sight) {
	w.Helper()
	for _, s := range sights {
		w.apply(crm.Commit{Sights: []crm.Sight{s}})
		pass(time.Millisecond)
	}
	w.apply(crm.Commit{Jobs: []crm.Job{MatchJob()}})
	synctest.Wait()
}

// said lists the texts of the outbox, oldest first.
func (w *world) said() (texts []string) {
	w.Helper()
	all := w.outbox()
	for id := range int64(len(all)) {
		texts = append(texts, all[id+1].Text)
	}
	return texts
}

func (w *world) expect(want ...string) {
	w.Helper()
	if got := w.said(); !slices.Equal(got, want) {
		w.Errorf("the rules say\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
