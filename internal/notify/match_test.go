package notify

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

func TestAMessageSaysHowTheRowWasAtTheChange(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Won", `prop("Next step") != ""`, `won {{title}}: {{prop "Next step"}}`)
		w.rule("lost", "Lost", "", `lost {{title}}: {{prop "Next step"}}`)
		w.end() // as behind other work
		w.see(w.edit("a", "Won", "Acme", "sign"))
		pass(time.Minute)
		w.see(w.edit("a", "Won", "Globex", ""))
		pass(time.Minute)
		w.see(w.edit("a", "Lost", "Initech", "forget"))
		w.start()
		w.see()
		w.expect("won Acme: sign", "lost Initech: forget")
	})
}

func TestALongHistoryIsUndoneWhole(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("looks at thousands of changes, one after the other")
	}
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", `won {{title}}: {{prop "Next step"}}`)
		w.end()
		w.see(w.edit("a", "Won", "Acme", "sign"))
		var edits []crm.Sight
		for i := range 1100 {
			edits = append(edits, w.edit("a", "Won", "Acme", fmt.Sprint("step ", i)))
		}
		w.apply(crm.Commit{Sights: append(edits, w.edit("a", "Won", "Globex"))})
		w.start()
		synctest.Wait()
		w.expect("won Acme: sign")
	})
}

func TestARuleKnowsWhenTheRowWasMade(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("old", "Won", "", "since {{date created}}")
		w.see(w.edit("a", "Won"))
		w.expect("since 1999-12-24")
	})
}

func TestOneSightFiresARuleOnce(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		moves, err := rules.Compile("moves", rules.Spec{
			When: rules.When{Property: rules.List{"Stage", "Deal Name"}, Changes: &rules.Changes{}}, Channel: "sales", Text: "{{title}} moves",
		})
		if err != nil {
			t.Fatal(err)
		}
		w.o.Rules = []Rule{{Database: "deals", Rule: moves}}
		w.restart()
		w.see(w.edit("a", "Won", "Acme", "both"))
		w.expect("Acme moves")
		pass(time.Minute)
		w.see(w.edit("a", "Lost", "Acme", "again"))
		w.expect("Acme moves", "Acme moves")
	})
}

func TestTwoRulesForOneChangeAreTwoMessages(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", "won {{title}}")
		w.rule("party", "Won", "", "cake for {{title}}")
		w.see(w.edit("a", "Won"))
		w.expect("won a", "cake for a")
	})
}

func TestARuleNeverAnswersAChangeTwice(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", "won {{title}}")
		w.end()
		w.see(w.edit("a", "Won"))
		s := New(w.o)
		for range 3 { // as after a crash, and as two at once
			commit, err := s.Match(context.Background(), MatchJob())
			if err != nil || len(commit.Messages) != 1 {
				t.Fatalf("Match = %+v, %v", commit, err)
			}
			commit.Matched = 0
			w.apply(commit)
		}
		w.start()
		w.see()
		w.expect("won a")
	})
}

func TestOwnChangesRingNothing(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", "won {{title}}")
		own := w.edit("a", "Won")
		w.apply(crm.Commit{Writes: []crm.Write{{Page: own.Page.ID, Values: map[string]crm.Value{"stage": own.Page.Values["stage"]}}}})
		w.see(own)
		w.expect()
	})
}

func TestARuleNeverFiresForThePast(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.see(w.edit("a", "Won"), w.edit("b", "Won"))
		w.rule("won", "Won", "", "won {{title}}")
		w.see(w.edit("c", "Won"))
		w.expect("won c")
	})
}

func TestMoreChangesThanOneRunLooksAt(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		const pages = 400
		var before, after []crm.Sight
		for i := range pages {
			before = append(before, w.edit(fmt.Sprint("p", i), "Lead"))
		}
		w.apply(crm.Commit{Sights: before})
		pass(time.Minute)
		w.rule("won", "Won", `prop("Next step") == "sign"`, "won {{title}}")
		var want []string
		for i := range pages { // three changes each: the 500th is within a sight
			after = append(after, w.edit(fmt.Sprint("p", i), "Won", fmt.Sprint("Deal ", i), "sign"))
			want = append(want, fmt.Sprint("won Deal ", i))
		}
		w.see()
		w.apply(crm.Commit{Sights: after})
		synctest.Wait()
		w.expect(want...)
		pass(time.Minute)
		heard := strings.Join(w.slack.heard, "\n")
		for _, text := range want {
			if n := strings.Count(heard+"\n", text+"\n"); n != 1 {
				t.Errorf("%q comes %d times", text, n)
			}
		}
	})
}

func TestAPropertyThatIsRenamedIsFollowed(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", "won {{title}}")
		w.see(w.edit("a", "Won"))
		renamed := deals()
		renamed.Properties[1].Name = "Phase"
		w.apply(crm.Commit{Schemas: []crm.Schema{renamed}})
		w.see(w.edit("b", "Won"))
		w.restart()
		w.see(w.edit("c", "Won"))
		w.expect("won a", "won b", "won c")
	})
}

func TestAMistakeIsToldOncePerShapeOfTheDatabase(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Wonn", "", "won {{title}}")
		for range 3 { // it is read every few minutes
			w.see(w.edit("a", "Won"), w.edit("a", "Lead"))
			w.apply(crm.Commit{Schemas: []crm.Schema{deals()}})
			pass(10 * time.Minute)
		}
		if n := w.logged(`did you mean \"Won\"`); n != 1 {
			t.Errorf("the mistake is told %d times:\n%s", n, w.log.String())
		}
		mended := deals()
		mended.Properties[1].Options = append(mended.Properties[1].Options, "Wonn")
		w.apply(crm.Commit{Schemas: []crm.Schema{mended}})
		w.see(w.edit("b", "Wonn"))
		w.expect("won b")
	})
}

func TestWithoutItsDatabaseReadARuleWaitsAndHoldsNothingElse(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", "won {{title}}")
		other := w.o.Rules[0]
		other.Database = "other"
		w.o.Rules = append(w.o.Rules, other)
		w.restart()
		w.apply(crm.Commit{Reads: []crm.Read{{Database: "other", CompletedAt: time.Now().Add(-time.Hour)}}})
		late := w.edit("x", "Won")
		late.Database, late.Page.CreatedAt = "other", time.Now()
		w.end()
		w.see(w.edit("a", "Won"), late, w.edit("b", "Won"))
		w.start()
		synctest.Wait()
		w.expect("won a")
		schema := deals()
		schema.Database = "other"
		w.apply(crm.Commit{Schemas: []crm.Schema{schema}})
		pass(11 * time.Second)
		w.expect("won a", "won x", "won b")
	})
}

func TestAnEditOfMonthsAgoRingsNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("looks at thousands of changes, one after the other")
	}
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", "won {{title}}")
		pass(100 * 24 * time.Hour)
		old := w.edit("a", "Won")
		old.Page.EditedAt = time.Now().Add(-40 * 24 * time.Hour).Truncate(time.Minute)
		recent := w.edit("b", "Won")
		recent.Page.EditedAt = time.Now().Add(-20 * 24 * time.Hour).Truncate(time.Minute)
		w.see(old, recent)
		w.expect("won b")
	})
}
