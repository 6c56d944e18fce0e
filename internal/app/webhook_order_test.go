package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// Two edits within a minute, of which the index behind queries knows one.
func TestTwoSightsOfAMinuteThatDisagreeRingOnce(t *testing.T) {
	inSales(t, sandbox.Options{QueryLag: 20 * time.Second}, sandbox.DeliveryPlan{}, func(s *sales) {
		deal := s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Acme", "Stage": "Negotiation", "Value": 1})
		time.Sleep(time.Hour)
		s.start()
		time.Sleep(time.Minute)
		s.notion.EditRow(deal, map[string]any{"Value": 2})
		time.Sleep(15 * time.Second)
		s.notion.EditRow(deal, map[string]any{"Stage": "Won"})
		s.deliver(2 * time.Second)
		won := "🎉 Deal won: *Acme* — $2"
		s.heard(won)
		time.Sleep(8 * time.Second)
		s.notion.ForgetTranscript()
		s.attached(func(db *store.DB) error {
			return db.Apply(context.Background(), crm.Commit{Jobs: []crm.Job{poll.Job(s.crm.Deals.ID, time.Time{})}})
		})
		time.Sleep(10 * time.Second)
		if pages, queries := s.fetches(); pages != 1 || queries != 1 {
			t.Errorf("%d queries led to %d looks at the page, want one each", queries, pages)
		}
		time.Sleep(20 * time.Minute)
		s.heard(won)
		s.stop()
	})
}

func TestHoweverEventsTravelEachTransitionRingsOnce(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			plan := sandbox.DeliveryPlan{
				Drop: .3, Duplicate: .3, Reorder: .3, Delay: sandbox.Span{Max: 40 * time.Second}, Aggregate: time.Duration(seed) * 20 * time.Second,
			}
			inSales(t, sandbox.Options{Seed: seed, QueryLag: 8 * time.Second, Latency: 300 * time.Millisecond}, plan, func(s *sales) {
				draw := rand.New(rand.NewPCG(seed, 7))
				stages := []string{"Negotiation", "Won", "Lost", "Lead"}
				says := map[string]string{"Negotiation": "🤝 In negotiation: *%s* — $1", "Won": "🎉 Deal won: *%s* — $1", "Lost": "💔 Deal lost: *%s* — $1"}
				deals, stage := map[string]string{}, map[string]int{}
				for i := range 5 {
					name := fmt.Sprintf("Deal %d", i)
					deals[name], stage[name] = s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": name, "Stage": "Lead", "Value": 1}), 3
				}
				time.Sleep(time.Hour)
				s.start()
				s.deliver(time.Minute)
				var want []string
				for range 6 {
					for i := range len(deals) {
						name := fmt.Sprintf("Deal %d", i)
						stage[name] = (stage[name] + 1 + draw.IntN(3)) % 4
						to := stages[stage[name]]
						s.notion.EditRow(deals[name], map[string]any{"Stage": to})
						if to != "Lead" {
							want = append(want, fmt.Sprintf(says[to], name))
						}
						s.deliver(time.Duration(draw.IntN(60)) * time.Second)
					}
					s.deliver(5 * time.Minute) // polls see at least one state of each
					if draw.IntN(3) == 0 {
						s.crash()
					}
				}
				s.deliver(10 * time.Minute)
				got := s.rings()
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("Slack heard\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
				}
				s.stop()
			})
		})
	}
}
