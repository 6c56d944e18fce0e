package torture

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const (
	kills       = 50
	perSecond   = 200
	people      = 40
	drainWithin = 60 * time.Second
)

// seed is DEALBELL_TEST_SEED, to repeat a run, or new each time.
func seed(tb testing.TB) uint64 {
	tb.Helper()
	s, err := strconv.ParseUint(os.Getenv("DEALBELL_TEST_SEED"), 10, 64)
	if err != nil {
		s = uint64(time.Now().UnixNano())
	}
	tb.Logf("DEALBELL_TEST_SEED=%d", s)
	return s
}

// farAway delivers answers late: what Notion did and what the daemon knows of
// it differ for a moment, in which the daemon may be killed.
func farAway(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		h.ServeHTTP(recorded, r)
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Millisecond):
		}
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes()) // the daemon may be dead
	})
}

// lifetime is mostly too short for more than taking leads: the pace starts
// from nothing. Every fifth is long enough to be at work in Notion.
func lifetime(dice *rand.Rand, number int) time.Duration {
	if number%5 == 0 {
		return time.Duration(800+dice.IntN(1000)) * time.Millisecond
	}
	return time.Duration(dice.IntN(200)) * time.Millisecond
}

func TestNoAcknowledgedLeadIsLostWhenKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("50 kills and the work they leave behind take half a minute")
	}
	t.Parallel()
	seed := seed(t)
	dice := rand.New(rand.NewPCG(seed, 0))
	notion := serveNotion(t, sandbox.Options{Latency: 10 * time.Millisecond})
	for who := range person(5) { // typed by hand before Dealbell came
		notion.AddRow(notion.contacts, map[string]any{"Name": "Ana", "Email": who.typed(int(who))})
	}
	notion.through(t, farAway)
	data := t.TempDir()
	environment := notion.environment(t, data)

	leads := startFlood(t, rand.New(rand.NewPCG(seed, 1)), perSecond, people)
	for i := range kills {
		d := launch(t, environment)
		moment := time.After(lifetime(dice, i))
		select {
		case <-d.log.ready:
			leads.aim(d.log.public)
			<-moment
		case <-moment: // while it starts
		}
		if d.gone() {
			t.Fatalf("the daemon ended by itself with %v:\n%s", d.cmd.ProcessState, d.log.tail())
		}
		d.kill()
		leads.aim("")
		if i%10 == 9 {
			t.Logf("after %d kills: %d leads acknowledged, %d of them open, %d contacts in Notion",
				i+1, len(leads.promised()), leads.checkInbox(t, data), len(notion.live()))
		}
	}

	d := start(t, environment)
	leads.aim(d.log.public)
	leads.end()
	began := time.Now()
	d.drained(drainWithin)
	t.Logf("drained in %v", time.Since(began))
	d.stop()

	if open := leads.checkInbox(t, data); open != 0 {
		t.Errorf("%d leads are still open", open)
	}
	checkFile(t, data)
	checkOnePagePerPerson(t, notion)
	leads.checkMessages(t, notion)
	if got := len(notion.live()); got != people {
		t.Errorf("Notion has %d contacts, want %d", got, people)
	}
}
