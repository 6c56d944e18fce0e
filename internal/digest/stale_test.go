package digest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
)

func TestStaleLeadsByTheirNumber(t *testing.T) {
	t.Parallel()
	for n, head := range map[int]string{
		0:  "",
		1:  "☕ Morning. 1 stale leads (all):",
		10: "☕ Morning. 10 stale leads (all):",
		11: "☕ Morning. 11 stale leads (top 10):",
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			at(t, "Europe/Berlin", "2026-11-20 09:00", func(w *world) {
				var want []string
				for i := range n { // the newest first, as they must be turned round
					w.contact(fmt.Sprintf("Lead%d Lima", i), "new lead", fmt.Sprintf("2026-10-%02d", 20-i))
					want = append([]string{fmt.Sprintf("• *Lead%d Lima* (lead%d@example.com) — last touched 2026-10-%02d", i, i, 20-i)}, want...)
				}
				expect(t, w.says("stale-leads", staleLeads(digest.Spec{})), append([]string{head}, want[:min(10, n)]...)...)
			})
		})
	}
}

func TestWhoIsStale(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, zone, now string
		status, touched string
		created         time.Time // when not touched
		shown           string    // the day; "" for not stale
	}{
		{"29 days ago", "UTC", "2026-11-20 09:00", "New lead", "2026-10-22", time.Time{}, ""},
		{"30 days ago", "UTC", "2026-11-20 09:00", "New lead", "2026-10-21", time.Time{}, "2026-10-21"},
		{"31 days ago", "UTC", "2026-11-20 09:00", "New lead", "2026-10-20", time.Time{}, "2026-10-20"},
		{"30 days ago across the end of summer time", "Europe/Berlin", "2026-11-20 00:00", "New lead", "2026-10-21", time.Time{}, "2026-10-21"},
		{"29 days ago across the end of summer time", "Europe/Berlin", "2026-11-20 23:59", "New lead", "2026-10-22", time.Time{}, ""},
		{"30 days ago across the begin of summer time", "America/New_York", "2026-04-05 00:30", "New lead", "2026-03-06", time.Time{}, "2026-03-06"},
		{"a moment that was 30 days ago here and 29 in London", "Asia/Tokyo", "2026-11-20 09:00", "New lead", "2026-10-21T14:59:00.000+00:00", time.Time{}, "2026-10-21"},
		{"a moment that was 29 days ago here and 30 in London", "Asia/Tokyo", "2026-11-20 09:00", "New lead", "2026-10-21T15:00:00.000+00:00", time.Time{}, ""},
		{"a moment that was 30 days ago here and 29 on Kiritimati", "Pacific/Honolulu", "2026-11-20 09:00", "New lead", "2026-10-22T09:59:00.000+00:00", time.Time{}, "2026-10-21"},
		{"never touched, made 30 days ago", "UTC", "2026-11-20 09:00", "New lead", "", time.Date(2026, 10, 21, 23, 0, 0, 0, time.UTC), "2026-10-21"},
		{"never touched, made 30 days ago in Madrid and 29 here", "UTC", "2026-11-20 09:00", "New lead", "", time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC), ""},
		{"never touched, made on the day before here", "America/Lima", "2026-11-20 09:00", "New lead", "", time.Date(2026, 10, 22, 1, 0, 0, 0, time.UTC), "2026-10-21"},
		{"the status in capitals", "UTC", "2026-11-20 09:00", "NEW LEAD", "2026-01-01", time.Time{}, "2026-01-01"},
		{"another status", "UTC", "2026-11-20 09:00", "Qualified", "2026-01-01", time.Time{}, ""},
		{"touched tomorrow", "UTC", "2026-11-20 09:00", "New lead", "2026-11-21", time.Time{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at(t, tt.zone, tt.now, func(w *world) {
				if tt.created.IsZero() {
					tt.created = time.Now().AddDate(-1, 0, 0)
				}
				w.made(tt.created, "Ana", tt.status, tt.touched)
				var want []string
				if tt.shown != "" {
					want = []string{"☕ Morning. 1 stale leads (all):", "• *Ana* (ana@example.com) — last touched " + tt.shown}
				}
				expect(t, w.says("stale-leads", staleLeads(digest.Spec{})), want...)
			})
		})
	}
}

func TestLeadsThatWereNeverTouchedStandByTheirCreation(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.contact("Old", "New lead", "2026-05-01")
		w.made(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), "Never", "New lead", "")
		w.contact("Newer", "New lead", "2026-07-01T08:00:00.000Z")
		expect(t, w.says("stale-leads", staleLeads(digest.Spec{})),
			"☕ Morning. 3 stale leads (all):",
			"• *Old* (old@example.com) — last touched 2026-05-01",
			"• *Never* (never@example.com) — last touched 2026-06-01",
			"• *Newer* (newer@example.com) — last touched 2026-07-01",
		)
	})
}

func TestNamesCanDoNoHarm(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.put(contacts, "", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(-1, 0, 0), map[string]crm.Value{
			"title": crm.Text(crm.KindTitle, "<!channel>\n• *fake* & <@U1>\u202e"), "mail": crm.Text(crm.KindEmail, "<https://evil|a@b>"),
			"stat": crm.Choice(crm.KindSelect, "new lead"),
		})
		expect(t, w.says("stale-leads", staleLeads(digest.Spec{})),
			"☕ Morning. 1 stale leads (all):",
			"• *&lt;!channel&gt; • *fake* &amp; &lt;@U1&gt;* (&lt;https://evil|a@b&gt;) — last touched 2025-11-20",
		)
	})
}

func TestOneFieldSetOverStaleLeads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		over digest.Spec
		want []string
	}{
		{"limit", digest.Spec{Limit: 1}, []string{"☕ Morning. 2 stale leads (top 1):", "• *Ana* (ana@example.com) — last touched 2026-01-01"}},
		{"schedule", digest.Spec{Schedule: "weekdays 08:30"}, []string{
			"☕ Morning. 2 stale leads (all):", "• *Ana* (ana@example.com) — last touched 2026-01-01", "• *Bea* (bea@example.com) — last touched 2026-02-01",
		}},
		{"sort", digest.Spec{Sort: []string{"-Name"}, Limit: 1}, []string{"☕ Morning. 2 stale leads (top 1):", "• *Bea* (bea@example.com) — last touched 2026-02-01"}},
		{"filter", digest.Spec{Filter: `Name == "ana"`}, []string{"☕ Morning. 1 stale leads (all):", "• *Ana* (ana@example.com) — last touched 2026-01-01"}},
		{"text", digest.Spec{Text: "{{.Count}}!"}, []string{"2!", "• *Ana* (ana@example.com) — last touched 2026-01-01", "• *Bea* (bea@example.com) — last touched 2026-02-01"}},
		{"line", digest.Spec{Line: "{{link}}"}, []string{"☕ Morning. 2 stale leads (all):", "<https://www.notion.so/page-0002|Ana>", "<https://www.notion.so/page-0001|Bea>"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at(t, "UTC", "2026-11-20 09:00", func(w *world) {
				w.contact("Bea", "New lead", "2026-02-01")
				w.contact("Ana", "New lead", "2026-01-01")
				expect(t, w.says("stale-leads", staleLeads(tt.over)), tt.want...)
			})
		})
	}
}

func TestARenamedPropertyIsFollowed(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.contact("Ana", "New lead", "2026-01-01")
		line := "• *Ana* (ana@example.com) — last touched 2026-01-01"
		expect(t, w.says("stale-leads", staleLeads(digest.Spec{})), "☕ Morning. 1 stale leads (all):", line)
		renamed := contactSchema()
		for i, name := range []string{"Full name", "Mail", "Phase", "Touched"} {
			renamed.Properties[i].Name = name
		}
		w.apply(crm.Commit{Schemas: []crm.Schema{renamed}})
		all := w.run(w.compile("stale-leads", staleLeads(digest.Spec{})), slotJob("stale-leads", "2026-11-21T09:00"))
		if len(all) != 2 {
			t.Fatalf("%d messages, want one more", len(all))
		}
		expect(t, all[0].Text, "☕ Morning. 1 stale leads (all):", line)
	})
}
