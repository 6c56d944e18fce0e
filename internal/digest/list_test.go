package digest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
)

func TestEachOwnerGetsTheOwnRows(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.contact("Acme", "New lead", "2026-01-01", ana)
		w.contact("Beta", "New lead", "2026-01-02", bob)
		w.contact("Both", "New lead", "2026-01-03", ana, bob)
		w.contact("Free", "New lead", "2026-01-04")
		w.contact("Fine", "Qualified", "2026-01-05", ana)
		spec := staleLeads(digest.Spec{Owner: "owner", Limit: 1, Line: "{{title}}", Channel: "sales"})
		got := map[string]string{}
		for _, m := range w.run(w.compile("stale-leads", spec), slotJob("stale-leads", w.slot())) {
			got[m.Channel] = m.Text
		}
		if len(got) != 3 {
			t.Errorf("%d messages, want 3", len(got))
		}
		expect(t, got["person "+ana], "☕ Morning. 2 stale leads (top 1):", "Acme")
		expect(t, got["person "+bob], "☕ Morning. 2 stale leads (top 1):", "Beta")
		expect(t, got["sales"], "☕ Morning. 1 stale leads (all):", "Free", "_Nobody is Owner of these._")
	})
}

func TestPeopleAreCalledByTheirNames(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.apply(crm.Commit{People: []crm.Person{{ID: ana, Name: "Ana <Lima>"}}})
		w.contact("Acme", "New lead", "2026-01-01", ana)
		w.contact("Beta", "New lead", "2026-01-01", bob)
		spec := staleLeads(digest.Spec{Filter: `Owner == ["ana <lima>"]`, Line: `{{title}}: {{prop "Owner"}} {{mention (prop "Owner")}}`})
		expect(t, w.says("stale-leads", spec), "☕ Morning. 1 stale leads (all):", "Acme: Ana &lt;Lima&gt; <@"+ana+">")
	})
}

func TestOrders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		sort []string
		want string
	}{
		{"none: as they were made", nil, "ann Bob Cy Dee"},
		{"a text, whatever its case", []string{"Deal Name"}, "ann Bob Cy Dee"},
		{"a text, the other way", []string{"-deal name"}, "Dee Cy Bob ann"},
		{"a number, blanks last", []string{"Value"}, "Cy ann Bob Dee"},
		{"a number, the largest first, blanks last", []string{"-Value"}, "ann Cy Bob Dee"},
		{"options as Notion lists them, then by name", []string{"Stage", "-Deal Name"}, "Cy ann Dee Bob"},
		{"options, the last first, blanks last", []string{"-Stage"}, "Dee ann Cy Bob"},
		{"a checkbox", []string{"VIP", "Deal Name"}, "ann Bob Cy Dee"},
		{"a ticked box first", []string{"-VIP", "Deal Name"}, "Dee ann Bob Cy"},
		{"when it was made, the newest first", []string{"-created()"}, "Dee Cy Bob ann"},
		{"a property, or else when it was made", []string{"Owner ?? created()"}, "ann Bob Cy Dee"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at(t, "UTC", "2026-11-20 09:00", func(w *world) {
				for i, row := range []struct{ name, stage, value string }{{"ann", "Negotiation", "10"}, {"Bob", "", ""}, {"Cy", "Lead", "-1.5"}, {"Dee", "Won", ""}} {
					made := time.Now().AddDate(0, -1, i)
					page := w.deal("", row.name, row.stage, row.value, made, made)
					if row.name == "Dee" {
						s, _, _ := w.db.Snapshot(w.Context(), page)
						s.Values["vip"] = crm.Value{Kind: crm.KindCheckbox, Check: true}
						w.put(deals, page, made, made.Add(time.Hour), s.Values)
					}
				}
				got := w.says("d", digest.Spec{Schedule: "09:00", Database: "deals", Text: "x", Line: "{{title}}", Sort: tt.sort})
				expect(t, strings.ReplaceAll(got, "\n", " "), "x "+tt.want)
			})
		})
	}
}

func TestATextThatIsTooLongLosesWholeLines(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.freshen = func(context.Context, string) error { return crm.ErrUnavailable }
		for i := range 60 {
			w.contact(fmt.Sprintf("%02d %s", i, strings.Repeat("😀&", 30)), "New lead", "2026-01-01")
		}
		lines := strings.Split(w.says("stale-leads", staleLeads(digest.Spec{Limit: 50})), "\n")
		named := len(lines) - 3
		if n := len(utf16.Encode([]rune(strings.Join(lines, "\n")))); n > 3900 || n < 3500 {
			t.Errorf("%d characters, want 3,900 or a little less", n)
		}
		if lines[0] != "☕ Morning. 60 stale leads (top 50):" || !strings.HasPrefix(lines[named], fmt.Sprintf("• *%02d ", named-1)) {
			t.Errorf("it begins with %q, and ends with %q", lines[0], lines[named])
		}
		if lines[named+1] != fmt.Sprintf("… and %d more", 60-named) || !strings.HasPrefix(lines[named+2], "_Notion is not reachable") {
			t.Errorf("it ends with %q", lines[named+1:])
		}
		if slices.ContainsFunc(lines[1:named+1], func(l string) bool { return !strings.HasSuffix(l, "last touched 2026-01-01") }) {
			t.Error("a line is cut")
		}
	})
}
