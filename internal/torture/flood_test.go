package torture

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// sign is the signature as the contract describes it, independent of the
// package that checks it.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// answer is an answer that was read to its end.
type answer struct {
	status     int
	header     http.Header
	body       []byte
	Status, ID string // what a 202 says
}

func post(ctx context.Context, client *http.Client, base string, body []byte) (a answer, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/lead", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Form-Signature", sign(formSecret, body))
	response, err := client.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	a.status, a.header = response.StatusCode, response.Header
	if a.body, err = io.ReadAll(response.Body); err != nil || a.status != http.StatusAccepted {
		return a, err
	}
	return a, json.Unmarshal(a.body, &a)
}

// person fills in the form again and again, now and then in another spelling.
type person int

func (p person) key() string { return fmt.Sprintf("ana%02d@example.com", int(p)) }

func (p person) typed(n int) string {
	return [...]string{p.key(), strings.ToUpper(p.key()), " " + p.key() + " ", strings.Replace(p.key(), "a", "A", 1), p.key() + "."}[n%5]
}

// flood sends leads, each until it is acknowledged: what a website with many
// visitors and an honest retry loop does.
type flood struct {
	tb      testing.TB
	people  int
	dice    *rand.Rand // of whoever writes the leads
	client  *http.Client
	leads   chan int
	wg      sync.WaitGroup
	finish  func() // ends the pace
	abandon func() // ends the retries too

	mu      sync.Mutex
	target  string         // the daemon that is alive; "" while there is none
	bodies  [][]byte       // by number of the lead
	owner   []person       // by number of the lead
	acks    map[int]string // number of the lead -> id of its delivery
	refused int            // answers that were 503
	last    time.Time      // of them
}

// newFlood has sent nothing yet. The dice are its own.
func newFlood(tb testing.TB, dice *rand.Rand, people int) (f *flood, ctx context.Context) {
	tb.Helper()
	ctx, abandon := context.WithCancel(tb.Context())
	f = &flood{
		tb: tb, people: people, dice: dice, finish: func() {}, abandon: abandon, acks: map[int]string{}, leads: make(chan int, 10_000),
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
	}
	tb.Cleanup(f.giveUp)
	return f, ctx
}

// startFlood sends perSecond leads each second, a tenth of them for the second
// time, until end is called.
func startFlood(tb testing.TB, dice *rand.Rand, perSecond, people int) *flood {
	tb.Helper()
	f, ctx := newFlood(tb, dice, people)
	paced, finish := context.WithCancel(ctx)
	f.finish = finish
	f.wg.Go(func() {
		defer close(f.leads)
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for paced.Err() == nil {
			select {
			case <-paced.Done():
			case <-tick.C:
				f.leads <- f.next()
			}
		}
	})
	f.sendFrom(ctx, 32)
	return f
}

// burst sends so many leads from a few sides at once. They are acknowledged
// when end returns.
func burst(tb testing.TB, dice *rand.Rand, leads, people int) *flood {
	tb.Helper()
	f, ctx := newFlood(tb, dice, people)
	for range leads {
		f.leads <- f.next()
	}
	close(f.leads)
	f.sendFrom(ctx, 4)
	return f
}

func (f *flood) sendFrom(ctx context.Context, sides int) {
	for range sides {
		f.wg.Go(func() {
			for n := range f.leads {
				f.send(ctx, n)
			}
		})
	}
}

// next writes a lead, or chooses one that was written before.
func (f *flood) next() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.bodies); n > 0 && f.dice.IntN(10) == 0 {
		return f.dice.IntN(n)
	}
	n, who := len(f.bodies), person(f.dice.IntN(f.people))
	body, err := json.Marshal(map[string]string{"name": "Ana", "email": who.typed(f.dice.IntN(5)), "message": message(n)})
	if err != nil {
		f.tb.Error(err)
	}
	f.bodies, f.owner = append(f.bodies, body), append(f.owner, who)
	return n
}

func message(n int) string { return fmt.Sprintf("message-%05d.", n) }

// send tries until the lead is acknowledged or ctx ends.
func (f *flood) send(ctx context.Context, n int) {
	for ctx.Err() == nil {
		f.mu.Lock()
		target, body := f.target, f.bodies[n]
		f.mu.Unlock()
		if target != "" {
			a, err := post(ctx, f.client, target, body)
			if err == nil && a.status == http.StatusAccepted {
				f.acknowledge(n, a)
				return
			}
			if err == nil && !f.refuse(n, a) {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// refuse notes a 503 and reports whether it was a proper one; nothing else
// will do.
func (f *flood) refuse(n int, a answer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind, wait := a.header.Get("Content-Type"), a.header.Get("Retry-After")
	if a.status != http.StatusServiceUnavailable || kind != "application/problem+json" || wait == "" {
		f.tb.Errorf("lead %d was answered with %d, Content-Type %q, Retry-After %q, %s", n, a.status, kind, wait, a.body)
		return false
	}
	f.refused, f.last = f.refused+1, time.Now()
	return true
}

// refusals counts the answers that were 503, and tells when the last came.
func (f *flood) refusals() (n int, last time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused, f.last
}

// acknowledge notes what was promised: one body is one delivery, however
// often it is sent.
func (f *flood) acknowledge(n int, a answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first, again := f.acks[n]; again && first != a.ID {
		f.tb.Errorf("lead %d was acknowledged as %s and as %s", n, first, a.ID)
	}
	f.acks[n] = a.ID
}

func (f *flood) aim(target string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.target = target
}

// giveUp is end without the leads that are not acknowledged yet.
func (f *flood) giveUp() {
	f.abandon()
	f.end()
}

// end stops the pace and waits until all leads that were written are
// acknowledged.
func (f *flood) end() {
	f.finish()
	f.wg.Wait()
	f.client.CloseIdleConnections()
}

// promised lists the bodies that were acknowledged so far, by the id that was
// given.
func (f *flood) promised() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	bodies := make(map[string]string, len(f.acks))
	for n, id := range f.acks {
		bodies[id] = string(f.bodies[n])
	}
	return bodies
}
