package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// TestADayWithoutNotionLosesNothing lets Notion be out of reach for a day in
// which new people write, and then down for a day in which they write again.
// A new contact costs two requests, a look-up and a create, and one that is
// known and says nothing new costs one.
func TestADayWithoutNotionLosesNothing(t *testing.T) {
	t.Parallel()
	people := size(1000, 10_000)
	if testing.Short() {
		people = 80
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 200 * time.Millisecond})
		w.start()
		w.settle(time.Minute)
		time.Sleep(time.Minute)
		letters := people + people/10 // some write twice
		told := w.outage("2 requests a lead", 2*people, (*sandbox.Workspace).SetUnreachable, func() {
			for i := range letters {
				p := person(i % people)
				p["message"] = fmt.Sprintf("letter %d of %d.", 1+i/people, i%people)
				w.accepted(p)
				time.Sleep(24 * time.Hour / time.Duration(letters))
			}
		})
		figure(t, "R7 Notion down 24 h", 0, "%s, %d lost or out of order", told, w.checkLetters(people)+w.checkOrder())
		told = w.outage("1 request a lead", people, (*sandbox.Workspace).SetDown, func() {
			for i := range people {
				p := person(i)
				delete(p, "message")
				w.accepted(p)
				time.Sleep(24 * time.Hour / time.Duration(people))
			}
		})
		lost := w.checkLetters(people)
		for _, row := range w.contacts() {
			if touched := row.Values["Last Contacted"]; touched < "2000-01-02" {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%d contacts were not touched on the second day", lost)
		}
		figure(t, "R7 Notion down 24 h", 0, "%s, %d lost", told, lost)
		w.stop()
	})
}

// outage lets something happen while Notion is away, and the process crash,
// and measures what is asked of Notion meanwhile and afterwards.
func (w *world) outage(what string, requests int, away func(*sandbox.Workspace, bool), happen func()) (told string) {
	w.t.Helper()
	w.notion.ForgetTranscript()
	away(w.notion, true)
	began := time.Now()
	happen()
	w.crash()
	time.Sleep(time.Minute)
	probes, dense := w.probes(began.Add(5 * time.Minute))
	if probes > 24*60+30 || dense > 1 {
		w.t.Errorf("%d requests during the day and %d within a minute of it, want one probe a minute", probes, dense)
	}
	open := w.status().OpenLeads
	w.notion.ForgetTranscript()
	back := time.Now()
	away(w.notion, false)
	w.settle(6 * time.Hour)
	first, rate, took := w.drain(back)
	if first > 90*time.Second || rate < 2.4 || rate > 2.6 {
		w.t.Errorf("first success %v after the recovery, then %.2f requests a second; want it within 90 s, then 2.5", first, rate)
	}
	if most := time.Duration(float64(requests)*1.02*float64(time.Second)/2.5) + 90*time.Second; took > most {
		w.t.Errorf("drained within %v, want %v at most", took, most)
	}
	w.checkPace()
	return fmt.Sprintf("%d leads queued at %s, %d probes, %d in any minute, first success after %v, %.2f requests/s, drained in %v",
		open, what, probes, dense, first.Round(100*time.Millisecond), rate, took.Round(time.Second))
}

// probes counts the requests of an outage, and the most of them that came
// within a minute once it was long enough to be known as one. The process
// that starts after a crash has to learn that anew.
func (w *world) probes(known time.Time) (all, dense int) {
	seen := w.notion.Transcript()
	crash := w.crashes[len(w.crashes)-1]
	for i, x := range seen {
		n := 0
		for j := i; j >= 0 && x.Start.Sub(seen[j].Start) < time.Minute-time.Second; j-- {
			n++
		}
		if x.Start.After(known) && x.Start.Before(crash) {
			dense = max(dense, n)
		}
	}
	return len(seen), dense
}

// drain measures when Notion answered first, how fast it was asked from then
// to the last write, and when that was.
func (w *world) drain(back time.Time) (first time.Duration, rate float64, took time.Duration) {
	w.t.Helper()
	seen := w.notion.Transcript()
	from := slices.IndexFunc(seen, func(x sandbox.Exchange) bool { return x.Status == http.StatusOK })
	last := len(seen) - 1
	for last > from && !seen[last].Wrote {
		last--
	}
	if from < 0 || last <= from {
		w.t.Fatal("nothing was drained")
	}
	span := seen[last].Start.Sub(seen[from].Start)
	return seen[from].End.Sub(back), float64(last-from) / span.Seconds(), seen[last].End.Sub(back)
}

// checkLetters asks for one contact of each person, with the letters in the
// order in which they came, and counts the people with whom that is not so.
func (w *world) checkLetters(people int) (wrong int) {
	w.t.Helper()
	rows := w.contacts()
	if len(rows) != people {
		w.t.Errorf("%d contacts, want %d", len(rows), people)
	}
	kept := map[string]string{}
	for _, row := range rows {
		kept[row.Values["Email"]] = strings.Join(row.Blocks, "\n")
	}
	for i := range people {
		text := kept[person(i)["email"]]
		one, two := strings.Index(text, fmt.Sprintf("letter 1 of %d.", i)), strings.Index(text, fmt.Sprintf("letter 2 of %d.", i))
		if again := i < people/10; one < 0 || again != (two > one) || strings.Count(text, "letter") != map[bool]int{false: 1, true: 2}[again] {
			if wrong++; wrong == 1 {
				w.t.Errorf("person %d: letters out of order, missing or doubled: %q", i, text)
			}
		}
	}
	return wrong
}

// checkOrder asks that nothing was written to a contact before the answer to
// its only create, and counts what was.
func (w *world) checkOrder() (wrong int) {
	w.t.Helper()
	emails, made := map[string]string{}, map[string]time.Time{}
	for _, row := range w.contacts() {
		emails[row.ID] = row.Values["Email"]
	}
	for _, x := range w.notion.Transcript() {
		_, rest, isCreate := strings.Cut(string(x.Body), `"email":"`)
		switch email, _, _ := strings.Cut(rest, `"`); {
		case !x.Wrote:
		case isCreate && x.Path == "/v1/pages":
			if !made[email].IsZero() {
				wrong++
			}
			made[email] = x.End
		default:
			if email := emails[strings.Split(x.Path, "/")[3]]; made[email].IsZero() || x.Start.Before(made[email]) {
				wrong++
			}
		}
	}
	if wrong > 0 {
		w.t.Errorf("%d contacts were made twice, or written to before they were made", wrong)
	}
	return wrong
}
