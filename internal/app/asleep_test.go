package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// TestADayAsleepIsCaughtUpOnce stops Dealbell for a day in which 24 digests
// and 288 polls of each database would have been due.
func TestADayAsleepIsCaughtUpOnce(t *testing.T) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		s.change = func(c *config.Config) {
			c.Digests["stale-leads"] = digest.Spec{Schedule: "30 * * * *"}.Over(c.Digests["stale-leads"])
		}
		s.notion.AddRow(s.crm.Contacts, map[string]any{"Name": "Stale", "Email": "stale@example.com", "Status": "New lead", "Last Contacted": "1999-11-01"})
		deals := s.negotiating("One", "Two")
		s.start()
		time.Sleep(time.Hour)
		if n := strings.Count(strings.Join(s.rings(), "\n"), digestWord); n != 1 {
			t.Fatalf("%d digests within an hour, want 1", n)
		}
		s.stop()
		s.bell.lost.Store(true)
		s.win(deals["One"])
		time.Sleep(24 * time.Hour)
		s.win(deals["Two"])
		said := len(s.rings())
		s.notion.ForgetTranscript()
		s.start()
		time.Sleep(4 * time.Minute) // before the next poll and the next digest
		digests, rings := 0, 0
		for _, text := range s.rings()[said:] {
			digests += strings.Count(text, digestWord)
			rings += strings.Count(text, won("One")) + strings.Count(text, won("Two"))
		}
		polls := 0
		for _, x := range s.notion.Transcript() {
			if strings.Contains(string(x.Body), "last_edited_time") {
				polls++
			}
		}
		// The digest reads its database again before it speaks.
		if digests != 1 || rings != 2 || polls > 3 {
			t.Errorf("%d digests, %d of 2 deals, %d polls; want one digest and one poll of each database", digests, rings, polls)
		}
		figure(t, "R11 24 h asleep", 0, "24 digests and 576 polls were due: %d digest, %d polls, %d of 2 deals that were won rang", digests, polls, rings)
		s.stop()
	})
}
