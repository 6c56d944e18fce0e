package torture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// assault sends attacks and keeps what was answered.
type assault struct {
	tb      testing.TB
	address string

	mu       sync.Mutex
	answers  map[int]int // by status; 0 for a connection that was closed without an answer
	worse    int         // answers that no client should see
	accepted int
}

// strike makes one attack on a connection of its own. Most end their side, so
// that what is not whole is known to stay so; the others go away.
func (a *assault) strike(attack attack, dice *rand.Rand) {
	data := attack.make(dice)
	conn, err := net.Dial("tcp", a.address)
	if err != nil {
		a.tb.Errorf("%s: %v", attack.name, err)
		return
	}
	defer conn.Close()
	patience, tcp := 5*time.Second, conn.(*net.TCPConn)
	stays := dice.IntN(8) == 0
	if stays {
		patience = 50 * time.Millisecond
	}
	_ = tcp.SetLinger(0) // no ports that wait
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, written := conn.Write(data)
	if !stays {
		_ = tcp.CloseWrite()
	}
	a.hear(attack.name, conn, data, written)
}

// hear reads all answers.
func (a *assault) hear(name string, conn io.Reader, data []byte, written error) {
	from := bufio.NewReader(conn)
	for heard := 0; ; heard++ {
		answer, err := http.ReadResponse(from, nil)
		if err == nil {
			var body []byte
			body, err = io.ReadAll(answer.Body)
			a.count(name, answer.StatusCode, string(body), data)
		}
		var late net.Error
		switch {
		case err == nil:
			continue
		case errors.As(err, &late) && late.Timeout(), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), written != nil, strings.Contains(err.Error(), "reset by peer"):
		default:
			a.count(name, 999, err.Error(), data)
		}
		if heard == 0 {
			a.count(name, 0, "", data)
		}
		return
	}
}

// The server of net/http says with these that it does not speak the protocol
// that is asked for; no handler is called.
var protocol = map[int]bool{http.StatusNotImplemented: true, http.StatusHTTPVersionNotSupported: true}

func (a *assault) count(name string, status int, body string, data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[status]++
	if status == http.StatusAccepted && strings.Contains(body, `"accepted"`) {
		a.accepted++
	}
	if status >= 500 && status != http.StatusServiceUnavailable && !protocol[status] {
		a.worse++
		a.tb.Errorf("%s: %d %.200q to %.300q", name, status, body, data)
	}
}

// tally lists the answers.
func (a *assault) tally() string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(a.answers)) {
		parts = append(parts, fmt.Sprintf("%d×%d", a.answers[status], status))
	}
	return strings.Join(parts, " ")
}

func TestHostileRequestsDoNoHarm(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of attacks take many seconds")
	}
	t.Parallel()
	requests := 3000
	if full() {
		requests = 100_000
	}
	seed := seed(t)
	notion := serveNotion(t, sandbox.Options{})
	data := t.TempDir()
	d := start(t, append(notion.environment(t, data), "NOTION_WEBHOOK_SECRET="+hookSecret))
	leads := startHonest(t, d.log.public, 10)

	a := &assault{tb: t, address: strings.TrimPrefix(d.log.public, "http://"), answers: map[int]int{}}
	struck := time.Now()
	var wg sync.WaitGroup
	const workers = 8
	pace := time.NewTicker(time.Second / 300) // else the attackers take the processors
	defer pace.Stop()
	for w := range workers {
		wg.Go(func() {
			all, dice := attacks(), rand.New(rand.NewPCG(seed, uint64(w)))
			for n := w; n < requests && !d.gone(); n += workers {
				<-pace.C
				a.strike(all[n/workers%len(all)], dice)
			}
		})
	}
	wg.Wait()
	leads.end()
	t.Logf("answers in %v, with %v of processor time: %s", time.Since(struck).Round(time.Second), d.cpu(), a.tally())
	t.Logf("figure: S4 no 5xx but 503 to %d hostile requests | %d, and %d of 501 and 505, which net/http says of other protocols | seed %d",
		requests, a.worse, a.answers[501]+a.answers[505], seed)
	leads.judge("S4", seed)
	began := time.Now()
	d.drained(5 * time.Minute)
	d.submit("after@example.com", "hello")
	d.drained(10 * time.Second)
	t.Logf("figure: S4 memory < %d MB | %d MB, drained %d hostile leads in %v | seed %d", memoryMost>>20, d.peak()>>20, a.accepted, time.Since(began).Round(time.Second), seed)
	checkMemory(t, d)
	checkLog(t, d)
	d.stop()
	checkFile(t, data)
	checkOnePagePerPerson(t, notion)
	checkEnds(t, data, a.accepted)
}

// checkEnds fails unless each delivery became a part of a contact, or of a
// dead letter that says why, and no job runs in circles.
func checkEnds(tb testing.TB, dir string, atLeast int) {
	tb.Helper()
	db := openFile(tb, dir)
	defer db.Close()
	count := func(query string) (n int) {
		if err := db.QueryRowContext(tb.Context(), query).Scan(&n); err != nil {
			tb.Fatalf("%s: %v", query, err)
		}
		return n
	}
	done, dead, all := count(`select count(*) from inbox where state = 'done'`), count(`select count(*) from inbox where state = 'dead'`), count(`select count(*) from inbox`)
	if done+dead != all || all < atLeast {
		tb.Errorf("of %d deliveries %d are done and %d dead letters; %d hostile ones were accepted", all, done, dead, atLeast)
	}
	tb.Logf("of %d deliveries %d are in Notion and %d are dead letters", all, done, dead)
	inspect(tb, dir, func(db *store.DB) {
		jobs, err := db.Jobs(tb.Context(), store.JobFilter{Limit: 1_000_000})
		if err != nil {
			tb.Fatal(err)
		}
		for _, j := range jobs {
			if j.State == crm.JobDead && j.LastError == "" || j.Attempts > 3 {
				tb.Errorf("job %d (%s) is %s after %d tries: %q", j.ID, j.Kind, j.State, j.Attempts, j.LastError)
			}
		}
	})
}
