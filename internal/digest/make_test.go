package digest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
)

const byHand = "by hand 2026-11-20T09:00:00Z"

func TestWhatIsSentAndWhatIsNot(t *testing.T) {
	t.Parallel()
	type made struct {
		state crm.MessageState
		text  string
	}
	const said = "1 (all):\nAna"
	noWeekends := digest.Spec{Weekends: new(false)}
	for _, tt := range []struct {
		name string
		job  crm.Job
		over digest.Spec
		rows bool
		want []made
	}{
		{"on its slot", slotJob("d", "2026-11-20T09:00"), digest.Spec{}, true, []made{{crm.MessageQueued, said}}},
		{"nothing to say", slotJob("d", "2026-11-20T09:00"), digest.Spec{}, false, nil},
		{"nothing to say, which is said", slotJob("d", "2026-11-20T09:00"), digest.Spec{Empty: "All is *well*"}, false, []made{{crm.MessageQueued, "All is *well*"}}},
		{"a draft", digest.DryJob("d", byHand), digest.Spec{}, true, []made{{crm.MessageDraft, said}}},
		{"a draft of nothing", digest.DryJob("d", byHand), digest.Spec{}, false, []made{{crm.MessageDraft, "(nothing to say)"}}},
		{"by hand", slotJob("d", byHand), digest.Spec{}, true, []made{{crm.MessageQueued, said}}},
		{"nothing by hand", slotJob("d", byHand), digest.Spec{}, false, nil},
		{"a Saturday", slotJob("d", "2026-11-21T09:00"), digest.Spec{}, true, []made{{crm.MessageQueued, said}}},
		{"a free Saturday", slotJob("d", "2026-11-21T09:00"), noWeekends, true, nil},
		{"a free Sunday", slotJob("d", "2026-11-22T23:59"), noWeekends, true, nil},
		{"the Monday after", slotJob("d", "2026-11-23T00:00"), noWeekends, true, []made{{crm.MessageQueued, said}}},
		{"by hand on whatever day", slotJob("d", byHand), noWeekends, true, []made{{crm.MessageQueued, said}}},
		{"one that is no longer configured", slotJob("gone", "2026-11-20T09:00"), digest.Spec{}, true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at(t, "UTC", "2026-11-20 09:00", func(w *world) {
				if tt.rows {
					w.contact("Ana", "New lead", "")
				}
				spec := tt.over.Over(digest.Spec{Schedule: "09:00", Database: "contacts", Text: "{{.Count}} ({{.Shown}}):", Line: "{{title}}", Channel: "sales"})
				got := w.run(w.compile("d", spec), tt.job)
				if len(got) != len(tt.want) {
					t.Fatalf("%d messages, want %d", len(got), len(tt.want))
				}
				for i, m := range got {
					if (made{m.State, m.Text}) != tt.want[i] || m.Channel != "sales" || !m.Repeat {
						t.Errorf("got %+v, want %+v", m, tt.want[i])
					}
				}
			})
		})
	}
}

func TestASlotIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.contact("Ana", "New lead", "2026-01-01")
		d := w.compile("stale-leads", staleLeads(digest.Spec{}))
		w.run(d, slotJob("stale-leads", w.slot()))
		time.Sleep(time.Minute)
		w.contact("Bea", "New lead", "2026-01-01")
		if got := w.run(d, slotJob("stale-leads", "2026-11-20T09:00")); len(got) != 1 {
			t.Errorf("%d messages, want one", len(got))
		}
	})
}

func TestADraftIsFollowedByNoSend(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.contact("Ana", "New lead", "2026-01-01")
		d := w.compile("stale-leads", staleLeads(digest.Spec{}))
		for job, want := range map[string]int{"draft": 0, "real": 1} {
			kind := slotJob
			if job == "draft" {
				kind = digest.DryJob
			}
			c, err := w.service(d).Make(w.Context(), kind("stale-leads", byHand))
			if err != nil || len(c.Jobs) != want {
				t.Errorf("%s: %d jobs, %v; want %d", job, len(c.Jobs), err, want)
			}
		}
	})
}

func TestNotionIsAskedFirst(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.freshen = func(_ context.Context, database string) error {
			if database != contacts {
				t.Errorf("freshens %s", database)
			}
			w.contact("Ana", "New lead", "2026-01-01")
			return nil
		}
		expect(t, w.says("stale-leads", staleLeads(digest.Spec{})), "☕ Morning. 1 stale leads (all):", "• *Ana* (ana@example.com) — last touched 2026-01-01")
	})
}

func TestWhenNotionIsDownTheAnswerSaysHowOldItIs(t *testing.T) {
	t.Parallel()
	hangs := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	refuses := func(context.Context, string) error { return crm.ErrUnavailable }
	for name, down := range map[string]func(context.Context, string) error{"it hangs": hangs, "it refuses": refuses} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at(t, "Europe/Berlin", "2026-11-20 09:00", func(w *world) {
				w.contact("Ana", "New lead", "2026-01-01")
				w.freshen = down
				w.read(contacts, time.Date(2026, 11, 19, 23, 30, 59, 0, time.UTC))
				began := time.Now()
				expect(t, w.says("stale-leads", staleLeads(digest.Spec{})),
					"☕ Morning. 1 stale leads (all):",
					"• *Ana* (ana@example.com) — last touched 2026-01-01",
					"_Notion is not reachable; this is as of 2026-11-20 00:30._",
				)
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %v, want 20 s at most", took)
				}
			})
		})
	}
}

func TestWhenNotionIsDownAndNobodyIsStaleNothingIsSaid(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.freshen = func(context.Context, string) error { return crm.ErrUnavailable }
		expect(t, w.says("stale-leads", staleLeads(digest.Spec{})), "")
	})
}

func TestADatabaseThatWasNeverReadIsWaitedForSixHours(t *testing.T) {
	t.Parallel()
	at(t, "Europe/Berlin", "2026-11-20 09:00", func(w *world) {
		w.freshen = func(context.Context, string) error { return crm.ErrUnavailable }
		w.apply(crm.Commit{Reads: []crm.Read{{Database: contacts, ResumeAt: time.Now()}}})
		service, job := w.service(w.compile("stale-leads", staleLeads(digest.Spec{}))), slotJob("stale-leads", w.slot())
		tries := 0
		for slot := time.Now(); ; tries++ {
			_, err := service.Make(w.Context(), job)
			if err == nil {
				if since := time.Since(slot); since < 6*time.Hour || since > 6*time.Hour+2*time.Minute {
					t.Errorf("given up after %v, want 6 h", since)
				}
				break
			}
			next, known := crm.RetryAt(err)
			if !known || time.Until(next) != time.Minute {
				t.Fatalf("%v: again at %v, want a minute later", err, next)
			}
			job.LastError = err.Error()
			time.Sleep(time.Until(next))
		}
		if tries < 300 || !strings.Contains(w.log.String(), "was never read completely") {
			t.Errorf("%d tries, log: %s", tries, w.log.String())
		}
	})
}

func TestADatabaseThatIsReadMeanwhileIsAnswered(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.apply(crm.Commit{Reads: []crm.Read{{Database: contacts}}})
		w.contact("Ana", "New lead", "2026-01-01")
		job := slotJob("stale-leads", w.slot())
		d := w.compile("stale-leads", staleLeads(digest.Spec{}))
		if _, err := w.service(d).Make(w.Context(), job); !errors.Is(err, crm.ErrUnavailable) {
			t.Fatalf("%v, want later", err)
		}
		time.Sleep(time.Minute)
		w.read(contacts, time.Now())
		if got := w.run(d, job); len(got) != 1 {
			t.Errorf("%d messages, want one", len(got))
		}
	})
}

func TestADaemonThatStopsLeavesTheDigestForTheNextStart(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 09:00", func(w *world) {
		w.contact("Ana", "New lead", "2026-01-01")
		ctx, stop := context.WithCancel(w.Context())
		w.freshen = func(ctx context.Context, _ string) error { stop(); <-ctx.Done(); return ctx.Err() }
		c, err := w.service(w.compile("stale-leads", staleLeads(digest.Spec{}))).Make(ctx, slotJob("stale-leads", w.slot()))
		if !errors.Is(err, context.Canceled) || len(c.Messages) > 0 {
			t.Errorf("%v and %d messages, want a cancelled run", err, len(c.Messages))
		}
	})
}

func TestADigestThatDoesNotFitItsDatabase(t *testing.T) {
	t.Parallel()
	const said = `digest "stale-leads": filter: property "Last Contacted" is not in database "Contacts"`
	for _, tt := range []struct {
		name string
		had  bool
		job  crm.Job
		dead bool
	}{
		{"is skipped where it never did", false, slotJob("stale-leads", "2026-11-20T09:00"), false},
		{"is a dead letter where it did once", true, slotJob("stale-leads", "2026-11-20T09:00"), true},
		{"says so who asks by hand", false, slotJob("stale-leads", byHand), true},
		{"says so who asks for a draft", false, digest.DryJob("stale-leads", byHand), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at(t, "UTC", "2026-11-20 09:00", func(w *world) {
				d := w.compile("stale-leads", staleLeads(digest.Spec{}))
				if tt.had {
					w.run(d, tt.job)
				}
				schema := contactSchema()
				schema.Properties = slices.Delete(schema.Properties, 3, 4)
				w.apply(crm.Commit{Schemas: []crm.Schema{schema}})
				_, err := w.service(d).Make(w.Context(), tt.job)
				if errors.Is(err, crm.ErrInvalid) != tt.dead || !tt.dead && err != nil {
					t.Errorf("%v, dead letter wanted: %v", err, tt.dead)
				}
				if told := fmt.Sprint(err, strings.ReplaceAll(w.log.String(), `\`, "")); !strings.Contains(told, said) {
					t.Errorf("it says %s", told)
				}
			})
		})
	}
}

func TestAJobThatNobodyCanRead(t *testing.T) {
	t.Parallel()
	if _, err := digest.New(digest.Options{}).Make(t.Context(), crm.Job{Payload: []byte("{")}); !errors.Is(err, crm.ErrInvalid) {
		t.Errorf("%v, want it refused", err)
	}
}

func TestASlotOfAnotherZoneIsNotLate(t *testing.T) {
	t.Parallel()
	at(t, "UTC", "2026-11-20 17:00", func(w *world) { // 09:00 in Los Angeles
		w.contact("Ana", "New lead", "2026-01-01")
		job := digest.Job("stale-leads", "2026-11-20T09:00", time.Now())
		if got := w.run(w.compile("stale-leads", staleLeads(digest.Spec{Schedule: "TZ=America/Los_Angeles 09:00"})), job); len(got) != 1 {
			t.Errorf("%d messages, want one", len(got))
		}
	})
}
