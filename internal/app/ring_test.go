package app_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

// diary is a log that many write and a test reads.
type diary struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all.Write(p)
}

func (d *diary) count(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.all.String(), text)
}

// negotiating adds deals that are about to be won, by name.
func (s *sales) negotiating(names ...string) map[string]string {
	pages := map[string]string{}
	for _, name := range names {
		pages[name] = s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": name, "Stage": "Negotiation", "Value": 1})
	}
	return pages
}

// win moves deals to Won and lets the word of it travel.
func (s *sales) win(pages ...string) {
	for _, page := range pages {
		s.notion.EditRow(page, map[string]any{"Stage": "Won"})
	}
	s.deliver(time.Second)
}

func won(name string) string { return "🎉 Deal won: *" + name + "* — $1" }

// inRing runs a story that begins a minute after the start, with three deals
// and a log.
func inRing(t *testing.T, story func(s *sales, log *diary, one, two, three string)) {
	t.Helper()
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		log := &diary{}
		s.logs = log
		deals := s.negotiating("One", "Two", "Three")
		s.start()
		time.Sleep(time.Minute)
		story(s, log, deals["One"], deals["Two"], deals["Three"])
		s.stop()
	})
}

func TestSlackIsAwayForAnHour(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*sandbox.Slack, bool){"down": (*sandbox.Slack).SetDown, "unreachable": (*sandbox.Slack).SetUnreachable} {
		t.Run(name, func(t *testing.T) {
			inRing(t, func(s *sales, log *diary, one, two, three string) {
				away(s.slack, true)
				s.win(one)
				time.Sleep(20 * time.Minute)
				s.win(two)
				s.crash()
				time.Sleep(20 * time.Minute)
				s.win(three)
				time.Sleep(20 * time.Minute)
				away(s.slack, false)
				time.Sleep(2 * time.Minute)
				s.heard(won("One"), won("Two"), won("Three"))
				if n := log.count("a channel of Slack takes no messages; they wait"); n != 2 {
					t.Errorf("two processes say %d times that Slack is away", n)
				}
				if n := log.count("a channel of Slack takes messages again"); n != 1 {
					t.Errorf("the log says %d times that Slack is back", n)
				}
			})
		})
	}
}

func TestSlackAsksToWaitHalfAMinute(t *testing.T) {
	inRing(t, func(s *sales, _ *diary, one, two, three string) {
		s.slack.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{
			Match: sandbox.Match{Path: "/services/*/*/*"}, Nth: 1, Fault: sandbox.RateLimited, RetryAfter: 30 * time.Second,
		}}})
		s.win(one)
		time.Sleep(5 * time.Second)
		s.win(two)
		time.Sleep(5 * time.Second)
		s.win(three)
		time.Sleep(time.Minute)
		s.heard(won("One"), won("Two"), won("Three"))
		asked := s.slack.Transcript()
		for i, x := range asked[1:] {
			if gap := x.Start.Sub(asked[0].End); gap < 30*time.Second || i > 0 && x.Start.Sub(asked[i].Start) < time.Second {
				t.Errorf("request %d comes %v after the 429", i+2, gap)
			}
		}
	})
}

func TestAWebhookIsRevokedAndRepaired(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(s *sales, url string){
		"404": func(s *sales, url string) { s.slack.Revoke(url) },
		"410": func(s *sales, _ string) {
			gone := func(*http.Request) (int, string) { return http.StatusGone, "channel_is_archived" }
			s.phone.twist.Store(&gone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
				log, url := &diary{}, ""
				s.logs = log
				s.change = func(c *config.Config) { url = c.Slack.Channels[config.DefaultChannel].Reveal() }
				deals := s.negotiating("One", "Two")
				s.start()
				time.Sleep(time.Minute)
				revoke(s, url)
				s.win(deals["One"])
				time.Sleep(3 * time.Hour)
				s.win(deals["Two"])
				time.Sleep(10 * time.Minute)
				s.heard()
				if n := log.count("a channel of Slack takes no messages; they wait"); n != 1 || log.count(`"hint":"`) == 0 {
					t.Errorf("the log says %d times that the webhook is dead", n)
				}
				if out := s.status().Outbox; out.Queued == 0 || !strings.Contains(out.Wait, "switched off or deleted") && !strings.Contains(out.Wait, "archived") {
					t.Errorf("status says %+v, want why messages wait", out)
				}
				s.stop()
				s.start() // with another webhook
				time.Sleep(time.Minute)
				s.heard(won("One"), won("Two"))
				s.stop()
			})
		})
	}
}

func TestAChannelThatIsNoLongerConfigured(t *testing.T) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		log := &diary{}
		s.logs = log
		s.change = func(c *config.Config) {
			c.Slack.Channels["old"] = secret.New(s.slack.Webhook("old"))
			rule := c.Rules["won"]
			rule.Channel = "old"
			c.Rules["won"] = rule
		}
		deals := s.negotiating("One", "Two")
		s.start()
		time.Sleep(time.Minute)
		s.slack.SetDown(true)
		s.win(deals["One"])
		time.Sleep(time.Minute)
		s.stop()
		s.change = nil
		s.slack.SetDown(false)
		s.start()
		time.Sleep(time.Minute)
		s.win(deals["Two"])
		time.Sleep(time.Minute)
		s.heard(won("Two"))
		if out := s.status().Outbox; out.Refused != 1 || len(out.Doubtful) != 1 || out.Doubtful[0].Rule != "won" || out.Doubtful[0].Channel == "" || out.Doubtful[0].Reason == "" {
			t.Errorf("status says %+v, want the message that was refused", out)
		}
		s.attached(func(db *store.DB) error {
			all, err := db.Outbox(context.Background(), 10)
			if err == nil && (len(all) != 2 || all[1].State != crm.MessageRefused || !strings.Contains(all[1].Reason, `configured are "default"`)) {
				t.Errorf("the outbox holds %+v", all)
			}
			return err
		})
		if n := log.count("a message is refused by Slack and given up"); n != 1 {
			t.Errorf("the log says %d times that the message is given up", n)
		}
		s.stop()
	})
}

func TestACrashWhileSlackIsAsked(t *testing.T) {
	t.Parallel()
	for fault, want := range map[sandbox.Fault][]string{
		sandbox.HangAfter:  {won("One"), won("Two")}, // it came, and comes once
		sandbox.HangBefore: {won("Two")},             // it did not, and nobody can know
	} {
		t.Run(string(fault), func(t *testing.T) {
			inRing(t, func(s *sales, _ *diary, one, two, _ string) {
				s.slack.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Nth: 1, Fault: fault}}})
				s.win(one)
				s.crash()
				time.Sleep(10 * time.Minute)
				s.win(two)
				time.Sleep(time.Minute)
				s.heard(want...)
				s.attached(func(db *store.DB) error {
					all, err := db.Outbox(context.Background(), 10)
					if err == nil && (len(all) != 2 || all[1].State != crm.MessageMaybe || all[1].Change == 0 || all[1].Rule != "won" || all[1].SentAt.IsZero()) {
						t.Errorf("the outbox holds %+v", all)
					}
					return err
				})
			})
		})
	}
}
