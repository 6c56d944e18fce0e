package torture

import (
	"fmt"
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

// killing is the size of a kill loop.
type killing struct {
	kills, perSecond, people int
	long                     int           // each so many-th daemon lives for longer
	report                   int           // look at the store after so many kills
	drain                    time.Duration // how long Notion may take for the rest
}

// lifetime is mostly too short for more than taking leads: the pace starts
// from nothing. Some are long enough to be at work in Notion.
func (k killing) lifetime(dice *rand.Rand, number int) time.Duration {
	if number%k.long == 0 {
		return time.Duration(800+dice.IntN(1000)) * time.Millisecond
	}
	return time.Duration(dice.IntN(200)) * time.Millisecond
}

func TestNoAcknowledgedLeadIsLostWhenKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("50 kills and the work they leave behind take half a minute")
	}
	t.Parallel()
	size := killing{kills: 50, perSecond: 200, people: 16, long: 10, report: 25, drain: time.Minute}
	if full() { // Notion takes longer for so many leads than one can wait
		size = killing{kills: 1000, perSecond: 550, people: 100, long: 5, report: 100, drain: 4 * time.Minute}
	}
	seed := seed(t)
	notion := serveNotion(t, sandbox.Options{Latency: 10 * time.Millisecond})
	for who := range person(5) { // typed by hand before Dealbell came
		notion.AddRow(notion.contacts, map[string]any{"Name": "Ana", "Email": who.typed(int(who))})
	}
	notion.through(t, farAway)
	data := t.TempDir()
	environment := notion.environment(t, data)

	leads := startFlood(t, rand.New(rand.NewPCG(seed, 1)), size.perSecond, size.people)
	size.loop(t, leads, environment, data, rand.New(rand.NewPCG(seed, 0)))
	d := start(t, environment)
	leads.aim(d.log.public)
	leads.end()
	for began := time.Now(); d.open() > 0 && time.Since(began) < size.drain; {
		time.Sleep(100 * time.Millisecond)
	}
	d.stop()

	open := leads.checkInbox(t, data)
	if open != 0 && !full() {
		t.Errorf("%d leads are still open", open)
	}
	checkFile(t, data)
	checkOnePagePerPerson(t, notion)
	leads.checkMessages(t, notion, finished(t, data))
	if got := len(notion.live()); got != size.people {
		t.Errorf("Notion has %d contacts, want %d", got, size.people)
	}
	figure(t, "R1 no acknowledged lead is lost when killed", fmt.Sprintf("%d kills, %d leads acknowledged at up to %d/s, %d of them still queued at the end: %s, %d contacts",
		size.kills, len(leads.promised()), size.perSecond, open, verdict(t, "none lost, none twice"), size.people), seed)
}

// loop starts daemons on the same state and kills each of them.
func (k killing) loop(t *testing.T, leads *flood, environment []string, data string, dice *rand.Rand) {
	t.Helper()
	for i := range k.kills {
		d := launch(t, environment)
		moment := time.After(k.lifetime(dice, i))
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
		if i%k.report == k.report-1 {
			t.Logf("after %d kills: %d leads acknowledged, %d of them open", i+1, len(leads.promised()), leads.checkInbox(t, data))
		}
	}
}
