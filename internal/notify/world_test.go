package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/queue"
	"github.com/dealbell/dealbell/internal/store"
)

// world is a store with its queue, a Slack and a Notion made of answers.
type world struct {
	*testing.T
	db     *store.DB
	slack  *phone
	notion *directory
	o      Options
	log    strings.Builder
	runner *queue.Runner
	end    func()
	made   int64
}

// inWorld runs a test in frozen time, which begins at noon of a Saturday.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pass(12 * time.Hour)
		db, err := store.Open(context.Background(), t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		w := &world{T: t, db: db, slack: &phone{}, notion: &directory{}}
		w.o = Options{State: db, Slack: w.slack, Workspace: w.notion, Zone: time.UTC, Log: slog.New(slog.NewJSONHandler(&w.log, nil))}
		w.start()
		defer func() { w.end() }()
		test(w)
	})
}

// gate lets everything through.
type gate struct{}

func (gate) Capacity() (int, time.Time) { return 10, time.Time{} }

func (w *world) start() {
	w.Helper()
	s := New(w.o)
	w.runner = queue.New(queue.Options{
		Store: w.db, Gate: gate{}, Log: slog.New(slog.DiscardHandler), Grace: time.Second, Recheck: time.Minute,
		Handlers: map[string]queue.Handler{KindMatch: s.Match, KindSend: s.Send},
		Jitter:   func(d time.Duration) time.Duration { return d },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.runner.Run(ctx) }()
	w.end = func() {
		w.end = func() {}
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	}
}

// restart ends the process and begins it anew, as package app does.
func (w *world) restart() {
	w.Helper()
	w.end()
	channels, err := w.db.Channels(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	var jobs []crm.Job
	for _, channel := range channels {
		jobs = append(jobs, SendJob(channel, time.Time{}))
	}
	w.apply(crm.Commit{Jobs: jobs})
	w.start()
}

func (w *world) apply(c crm.Commit) {
	w.Helper()
	if err := w.db.Apply(context.Background(), c); err != nil {
		w.Fatal(err)
	}
	w.runner.Wake()
}

// put puts messages into the outbox, with the job that sends them. A word is
// a rule; "digest" and "by hand" are digests.
func (w *world) put(channel string, words ...string) {
	w.Helper()
	c := crm.Commit{Jobs: []crm.Job{SendJob(channel, time.Time{})}}
	for _, word := range words {
		w.made++
		m := crm.Message{Channel: channel, Rule: word, Change: w.made, Text: fmt.Sprint(word, " ", w.made)}
		switch word {
		case "digest":
			m.Change, m.Slot, m.Repeat = 0, fmt.Sprint("slot ", w.made), true
		case "by hand":
			m.Change, m.Slot, m.Repeat = 0, fmt.Sprint(ByHand, w.made), true
		}
		c.Messages = append(c.Messages, m)
	}
	w.apply(c)
}

// outbox returns the messages, oldest first.
func (w *world) outbox() map[int64]crm.Message {
	w.Helper()
	found, err := w.db.Outbox(context.Background(), 10_000)
	if err != nil {
		w.Fatal(err)
	}
	byID := map[int64]crm.Message{}
	for _, m := range found {
		byID[m.ID] = m
	}
	return byID
}

func (w *world) dead() []crm.Job {
	w.Helper()
	found, err := w.db.Jobs(context.Background(), store.JobFilter{State: crm.JobDead})
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// heard fails the test unless exactly these posts came: when, in seconds
// since noon, where to and what.
func (w *world) heard(want ...string) {
	w.Helper()
	w.slack.Lock()
	defer w.slack.Unlock()
	if got := strings.Join(w.slack.heard, "\n\t"); got != strings.Join(want, "\n\t") {
		w.Errorf("Slack heard\n\t%s\nwant\n\t%s", got, strings.Join(want, "\n\t"))
	}
}

// logged counts the lines of the log that hold a text.
func (w *world) logged(text string) int { return strings.Count(w.log.String(), text) }

// phone is a Slack. Posts are answered in turn, then with yes.
type phone struct {
	sync.Mutex
	answers map[string][]error // by channel or member
	hang    map[string]bool    // until the context ends
	heard   []string           // all posts, also those that were refused
	members map[string]string  // by email
	trouble error              // with look-ups
	asked   []string           // emails
	token   bool
}

func (p *phone) Post(ctx context.Context, channel, text string) error {
	p.Lock()
	p.heard = append(p.heard, fmt.Sprintf("%v %s: %s", sinceNoon(), channel, text))
	hang := p.hang[channel]
	var answer error
	if rest := p.answers[channel]; len(rest) > 0 {
		answer, p.answers[channel] = rest[0], rest[1:]
	}
	p.Unlock()
	if hang {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", crm.ErrAmbiguous, ctx.Err())
	}
	return answer
}

func sinceNoon() float64 {
	return time.Since(time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)).Seconds()
}

func (p *phone) Direct(ctx context.Context, member, text string) error {
	return p.Post(ctx, member, text)
}

func (p *phone) Member(_ context.Context, email string) (string, error) {
	p.Lock()
	defer p.Unlock()
	p.asked = append(p.asked, email)
	if p.trouble != nil {
		return "", p.trouble
	}
	if id, ok := p.members[email]; ok {
		return id, nil
	}
	return "", crm.ErrNotFound
}

func (p *phone) HasToken() bool { return p.token }

// answer sets what the next posts to a channel are answered with.
func (p *phone) answer(channel string, errs ...error) {
	p.Lock()
	defer p.Unlock()
	if p.answers == nil {
		p.answers = map[string][]error{}
	}
	p.answers[channel] = errs
}

// directory tells who is who in Notion.
type directory struct {
	people  map[string]crm.Person
	trouble error
	asked   int
}

func (d *directory) Person(_ context.Context, id string) (crm.Person, error) {
	d.asked++
	if d.trouble != nil {
		return crm.Person{}, d.trouble
	}
	p, ok := d.people[id]
	if !ok {
		return crm.Person{}, crm.ErrNotFound
	}
	return p, nil
}

// pass lets time pass, and then whatever is to be done at its end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
