package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

// subscribe adds a subscription, as a person does in Notion's settings.
func (s *sales) subscribe(unsigned bool) *sandbox.Subscription {
	return s.notion.Subscribe(sandbox.SubscriptionOptions{URL: "https://crm.example/notion-webhook", Transport: s.bell, UnsignedHandshake: unsigned})
}

func TestAWebhookIsSetUpByItsHandshake(t *testing.T) {
	for _, unsigned := range []bool{false, true} {
		t.Run(fmt.Sprintf("unsigned %v", unsigned), func(t *testing.T) {
			inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
				s.hook.Pause()
				s.change = func(c *config.Config) { c.WebhookToken = secret.String{} }
				deal := s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Acme", "Stage": "Lead", "Value": 1})
				s.start()
				time.Sleep(14 * time.Minute)
				first, second := s.subscribe(unsigned), s.subscribe(unsigned)
				if err := first.Verify(s.t.Context()); err != nil || !s.status().Webhook.Subscribed {
					t.Errorf("%v, subscribed %v; want the first token stored", err, s.status().Webhook.Subscribed)
				}
				for range 2 { // not now, and not after another start
					if err := second.Verify(s.t.Context()); err == nil {
						t.Error("a second token was let in although nobody awaits it")
					}
					s.stop()
					s.start()
				}
				s.attached(func(db *store.DB) error { return db.Arm(context.Background(), time.Now().Add(time.Minute)) })
				if err := second.Verify(s.t.Context()); err != nil {
					t.Errorf("after arming: %v", err)
				}
				time.Sleep(30 * time.Second)
				for i, hook := range []*sandbox.Subscription{first, second} { // the old one is not deleted yet
					hook.Activate()
					s.notion.EditRow(deal, map[string]any{"Stage": []string{"Won", "Lost"}[i]})
					hook.Deliver(s.t.Context())
					time.Sleep(2 * time.Second)
					if len(s.rings()) != i+1 {
						t.Errorf("rings %q after an event of subscription %d", s.rings(), i+1)
					}
					hook.Pause()
				}
				s.stop()
			})
		})
	}
}

func TestAHandshakeIsAwaitedForFifteenMinutes(t *testing.T) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		s.start()
		if err := s.subscribe(false).Verify(s.t.Context()); err == nil {
			t.Error("a handshake was taken although a token is configured")
		}
		s.stop()
		s.change = func(c *config.Config) { c.WebhookToken = secret.String{} }
		s.start()
		time.Sleep(15*time.Minute + time.Second)
		late := s.subscribe(false)
		if err := late.Verify(s.t.Context()); err == nil || s.status().Webhook.Subscribed {
			t.Error("a handshake was taken too late")
		}
		s.stop()
		s.start()
		if err := late.Verify(s.t.Context()); err != nil {
			t.Errorf("after another start: %v", err)
		}
		s.stop()
	})
}

// fetches counts the pages that were read and the queries, since the
// transcript was forgotten.
func (s *sales) fetches() (pages, queries int) {
	got := s.requests()
	return got["GET pages/*"], got["POST data_sources/*/query"]
}

func TestWhatEventsCost(t *testing.T) {
	const now = 10 * time.Second // long before the next poll
	for _, tc := range []struct {
		name    string
		happen  func(s *sales, deals []string)
		pages   int // at most: the first of many events are looked into before the others come
		queries int
		other   int
	}{
		{"one deal", func(s *sales, deals []string) { s.notion.EditRow(deals[0], map[string]any{"Stage": "Lost"}) }, 1, 0, 0},
		{"one deal, often", func(s *sales, deals []string) {
			for i := range 9 {
				s.notion.EditRow(deals[0], map[string]any{"Value": i})
			}
		}, 5, 0, 0},
		{"sixty deals at once", func(s *sales, deals []string) {
			for _, deal := range deals {
				s.notion.EditRow(deal, map[string]any{"Stage": "Lost"})
			}
		}, 6, 4, 0},
		{"sixty deals and a contact", func(s *sales, deals []string) {
			for _, deal := range deals {
				s.notion.EditRow(deal, map[string]any{"Stage": "Lost"})
			}
			s.notion.AddRow(s.crm.Contacts, map[string]any{"Name": "Ana", "Email": "ana@example.com"})
		}, 7, 4, 0},
		{"rows of a database that nobody watches", func(s *sales, _ []string) {
			for range 9 {
				s.notion.EditRow(s.notion.AddRow(s.crm.Activities, map[string]any{"Name": "Call"}), map[string]any{"Name": "Called"})
			}
		}, 0, 0, 0},
		{"properties of a database", func(s *sales, _ []string) {
			s.notion.AddProperty(s.crm.Deals, sandbox.Property{Name: "Region", Type: "select"})
		}, 0, 0, 2},
		{"a lead that Dealbell writes", func(s *sales, _ []string) {
			s.accepted(person(1))
			s.deliver(now)
			s.accepted(map[string]string{"email": person(1)["email"], "message": "Once more"})
			s.deliver(now)
		}, 0, 2, 4}, // it is looked for, made, noted and updated
		{"types that nobody knows", func(s *sales, deals []string) {
			for _, kind := range []string{"galaxy.collided", "comment.created", "view.updated", "file_upload.created", "data_source.moved"} {
				s.send(s.hook.Event(kind, deals[0]))
			}
		}, 0, 0, 0},
		{"a page of which the payload says too little", func(s *sales, _ []string) {
			s.send(s.hook.Event("page.created", "55555555-5555-5555-5555-555555555555"))
		}, 1, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{Duplicate: 1}, func(s *sales) {
				s.change = func(c *config.Config) {
					c.Rules, c.Deals.Poll, c.Contacts.Poll = nil, config.Duration(time.Hour), config.Duration(time.Hour)
				}
				var deals []string
				for i := range 60 {
					deals = append(deals, s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": fmt.Sprintf("Deal %d", i), "Stage": "Lead", "Value": 1}))
				}
				s.start()
				time.Sleep(90 * time.Minute)
				s.notion.ForgetTranscript()
				tc.happen(s, deals)
				s.deliver(now)
				time.Sleep(now)
				pages, queries := s.fetches()
				if other := len(s.notion.Transcript()) - pages - queries; pages > tc.pages || queries > tc.queries || other > tc.other {
					t.Errorf("%d pages, %d queries and %d other requests, want %d, %d and %d at most: %v", pages, queries, other, tc.pages, tc.queries, tc.other, s.requests())
				}
				s.stop()
			})
		})
	}
}

// send delivers an event that did not happen.
func (s *sales) send(body []byte) {
	s.t.Helper()
	r, err := s.hook.Request(s.t.Context(), body)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.bell.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.t.Errorf("got %v, %v; want 200", answer, err)
	}
}

func TestTheSilenceOfAWebhookIsReported(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		silence := func() (metric string, status bool) {
			answer := httptest.NewRecorder()
			s.app.Admin().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil))
			for line := range strings.Lines(answer.Body.String()) {
				if value, ok := strings.CutPrefix(line, "dealbell_webhook_silent_seconds "); ok {
					metric = strings.TrimSpace(value)
				}
			}
			return metric, !s.status().Webhook.SilentSince.IsZero()
		}
		deal := s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Acme", "Stage": "Lead", "Value": 1})
		s.start()
		time.Sleep(time.Minute)
		s.notion.EditRow(deal, map[string]any{"Value": 2})
		s.deliver(time.Second)
		for _, step := range []struct {
			name  string
			lost  bool
			edit  bool
			after time.Duration
			quiet bool
		}{
			{"all is well", false, false, 3 * time.Hour, false},
			{"polls see a change", true, true, 10 * time.Minute, false},
			{"still no event", true, false, 20 * time.Minute, true},
			{"an event at last", false, true, time.Hour, false},
		} {
			s.bell.lost.Store(step.lost)
			if step.edit {
				s.notion.EditRow(deal, map[string]any{"Value": int(step.after)})
				s.deliver(time.Second)
			}
			time.Sleep(step.after)
			if metric, status := silence(); (metric != "0") != step.quiet || status != step.quiet || metric == "" {
				t.Errorf("%s: the metric says %q, the status %v; want silence: %v", step.name, metric, status, step.quiet)
			}
		}
		s.stop()
	})
}
