package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// doorbell carries Notion's events to whichever process answers now.
type doorbell struct {
	to   atomic.Pointer[http.Handler] // nil while the process is down
	lost atomic.Bool                  // events get lost on the way
	rung func()                       // told of every answer; may be nil
}

func (d *doorbell) RoundTrip(r *http.Request) (*http.Response, error) {
	handler := d.to.Load()
	if handler == nil || d.lost.Load() {
		return nil, http.ErrServerClosed
	}
	answer := httptest.NewRecorder()
	(*handler).ServeHTTP(answer, r)
	if d.rung != nil {
		d.rung()
	}
	return answer.Result(), nil
}

// sales is a world with deals, a Slack to ring in, and a webhook.
type sales struct {
	*world
	bell *doorbell
}

func newSales(t *testing.T, o sandbox.Options, plan sandbox.DeliveryPlan) *sales {
	t.Helper()
	s := &sales{world: newWorld(t, o), bell: &doorbell{}}
	s.deals, s.slack = true, sandbox.NewSlack(sandbox.SlackOptions{Seed: o.Seed})
	s.hook = s.notion.Subscribe(sandbox.SubscriptionOptions{URL: "https://crm.example/notion-webhook", Transport: s.bell, Plan: plan})
	s.hook.Activate()
	return s
}

func (s *sales) start() {
	s.t.Helper()
	s.world.start()
	public := s.app.Public()
	s.bell.to.Store(&public)
}

func (s *sales) stop() {
	s.t.Helper()
	s.bell.to.Store(nil)
	s.world.stop()
}

func (s *sales) crash() {
	s.t.Helper()
	s.world.crash()
	public := s.app.Public()
	s.bell.to.Store(&public)
}

// deliver lets events travel for a while.
func (s *sales) deliver(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		s.hook.Deliver(s.t.Context())
	}
}

func (s *sales) rings() (texts []string) {
	for _, m := range s.slack.Messages("sales") {
		texts = append(texts, m.Text)
	}
	return texts
}

// heard fails the test unless exactly these messages came, in this order.
func (s *sales) heard(want ...string) {
	s.t.Helper()
	got := s.rings()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("Slack heard\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func inSales(t *testing.T, o sandbox.Options, plan sandbox.DeliveryPlan, story func(*sales)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSales(t, o, plan)
		story(s)
	})
}

func TestAWonDealRingsOnce(t *testing.T) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{Duplicate: 1}, func(s *sales) {
		deal := s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Acme", "Stage": "Negotiation", "Value": 12000})
		s.start()
		time.Sleep(time.Minute)
		s.notion.EditRow(deal, map[string]any{"Stage": "Won"})
		s.deliver(2 * time.Second)
		s.heard("🎉 Deal won: *Acme* — $12,000")
		s.deliver(time.Minute)
		time.Sleep(20 * time.Minute) // polls see it as well
		s.stop()
		s.start()
		s.crash()
		time.Sleep(20 * time.Minute)
		s.heard("🎉 Deal won: *Acme* — $12,000")
		s.stop()
	})
}

// TestADealRingsWithinSecondsBesideABurstOfLeads: the leads take minutes.
func TestADealRingsWithinSecondsBesideABurstOfLeads(t *testing.T) {
	inSales(t, sandbox.Options{Latency: 150 * time.Millisecond}, sandbox.DeliveryPlan{}, func(s *sales) {
		deal := s.negotiating("Acme")["Acme"]
		s.start()
		time.Sleep(time.Minute)
		for i := range 100 {
			s.accepted(person(i))
		}
		time.Sleep(5 * time.Second)
		began := time.Now()
		s.notion.EditRow(deal, map[string]any{"Stage": "Won"})
		for len(s.rings()) == 0 && time.Since(began) < 5*time.Minute {
			s.deliver(time.Second)
		}
		if took := time.Since(began); took > 10*time.Second || s.status().OpenLeads < 50 {
			t.Errorf("it rang after %s, with %d leads still on their way; want it within 10 s, before them", took, s.status().OpenLeads)
		}
		s.settle(5 * time.Minute)
		s.checkContacts(100)
		s.stop()
	})
}

func TestWhatTheDefaultRulesSay(t *testing.T) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		owner := s.notion.People()[0]
		member := s.slack.AddMember(owner.Name, owner.Email)
		deal := s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "A & B <!channel>", "Stage": "Lead", "Owner": []string{owner.ID}, "Value": 1234.5})
		bare := s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Bare", "Stage": "Lead"})
		s.start()
		time.Sleep(time.Minute)
		for _, step := range []struct{ deal, stage, want string }{
			{deal, "Negotiation", "🤝 In negotiation: *A &amp; B &lt;!channel&gt;* — $1,234.50 <@" + member + ">"},
			{deal, "Lead", ""},
			{deal, "Lost", "💔 Deal lost: *A &amp; B &lt;!channel&gt;* — $1,234.50"},
			{bare, "Negotiation", "🤝 In negotiation: *Bare* — $?"},
			{bare, "Won", "🎉 Deal won: *Bare* — $?"},
		} {
			before := len(s.rings())
			s.notion.EditRow(step.deal, map[string]any{"Stage": step.stage})
			s.deliver(time.Minute)
			said := strings.Join(s.rings()[before:], "\n")
			if said != step.want {
				t.Errorf("after %s: Slack heard %q, want %q", step.stage, said, step.want)
			}
		}
		s.stop()
	})
}

func TestDealsWonWhileDownRingAfterTheStart(t *testing.T) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		var deals []string
		for _, name := range []string{"One", "Two", "Three", "Four"} {
			deals = append(deals, s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": name, "Stage": "Negotiation", "Value": 1}))
		}
		s.start()
		time.Sleep(10 * time.Minute)
		s.stop()
		s.bell.lost.Store(true)
		for _, deal := range deals[:3] {
			s.notion.EditRow(deal, map[string]any{"Stage": "Won"})
			time.Sleep(time.Hour)
		}
		s.deliver(48 * time.Hour / 100)
		s.start()
		time.Sleep(time.Hour)
		s.heard("🎉 Deal won: *One* — $1", "🎉 Deal won: *Two* — $1", "🎉 Deal won: *Three* — $1")
		s.stop()
	})
}

func TestFiftyDealsMovedByAScriptAreTwoMessages(t *testing.T) {
	inSales(t, sandbox.Options{Limit: sandbox.Average, Latency: 150 * time.Millisecond}, sandbox.DeliveryPlan{}, func(s *sales) {
		names := map[string]string{}
		for i := range 50 {
			name := "Deal " + string(rune('A'+i/10)) + string(rune('0'+i%10))
			names[name] = s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": name, "Stage": "Negotiation", "Value": 100})
		}
		s.start()
		time.Sleep(time.Minute)
		s.notion.ForgetTranscript()
		ctx, cancel := context.WithCancel(s.t.Context())
		go s.hook.Run(ctx)
		for _, deal := range names {
			s.notion.EditRow(deal, map[string]any{"Stage": "Won"})
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		cancel()
		rings := s.rings()
		if len(rings) > 2 {
			t.Errorf("%d messages, want 2 at most:\n%s", len(rings), strings.Join(rings, "\n---\n"))
		}
		for name := range names {
			if n := strings.Count(strings.Join(rings, "\n"), "*"+name+"*"); n != 1 {
				t.Errorf("%s is named %d times", name, n)
			}
		}
		for _, x := range s.slack.Transcript() {
			if x.Status == http.StatusTooManyRequests {
				t.Error("Slack had to say 429")
			}
		}
		t.Logf("%d requests to Notion", len(s.notion.Transcript()))
		s.stop()
	})
}
