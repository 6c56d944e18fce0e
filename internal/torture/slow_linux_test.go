package torture

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// slowMost is after which time a slow connection must be closed.
const slowMost = 15 * time.Second

// drip opens a connection, sends the beginning of a request and then a crumb
// at a time. It returns how long the daemon put up with it.
func drip(address, beginning, crumb string, pause time.Duration) (time.Duration, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	began := time.Now()
	closed := make(chan struct{})
	go func() { // whatever is said, the end of it is what counts
		defer close(closed)
		buffer := make([]byte, 4096)
		for {
			if _, err := conn.Read(buffer); err != nil {
				return
			}
		}
	}()
	_, err = conn.Write([]byte(beginning))
	for err == nil && crumb != "" && time.Since(began) < 2*slowMost {
		select {
		case <-closed:
			return time.Since(began), nil
		case <-time.After(pause):
		}
		_, err = conn.Write([]byte(crumb))
	}
	select {
	case <-closed:
	case <-time.After(2 * slowMost):
		return time.Since(began), errors.New("never closed")
	}
	return time.Since(began), nil
}

// slowWay is one way to be slow.
type slowWay struct{ name, beginning, crumb string }

func slowHeaders() []slowWay {
	return []slowWay{
		{"headers without end", "POST /lead HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n"},
		{"one header, byte by byte", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", "b"},
		{"a path, byte by byte", "GET /", "x"},
		{"not a word", "", ""},
		{"a beginning and no more", "POST /notion-webhook HTT", ""},
	}
}

func slowBodies() []slowWay {
	head := "POST /lead HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Form-Signature: sha256=" + strings.Repeat("0", 64) + "\r\n"
	return []slowWay{
		{"a body, byte by byte", head + "Content-Length: 60000\r\n\r\n{", "x"},
		{"chunks of a byte", head + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
		{"no body at all", head + "Content-Length: 60000\r\n\r\n", ""},
		{"a body that stops", head + "Content-Length: 60000\r\n\r\n" + strings.Repeat("x", 59_000), ""},
		{"a body that is waited for", head + "Expect: 100-continue\r\nContent-Length: 60000\r\n\r\n", ""},
		{"a large event that stops", "POST /notion-webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 999_000), "x"},
	}
}

func TestSlowClientsHoldNobodyUp(t *testing.T) {
	if testing.Short() {
		t.Skip("slow clients take their time")
	}
	t.Parallel()
	headers, bodies := 200, 50
	if full() {
		headers, bodies = 2000, 500
	}
	room(t, uint64(2*(headers+bodies))+256)
	seed := seed(t)
	dice := rand.New(rand.NewPCG(seed, 5))
	notion := serveNotion(t, sandbox.Options{})
	d := start(t, notion.environment(t, t.TempDir()))
	address := strings.TrimPrefix(d.log.public, "http://")
	d.submit("before@example.com", "hello")
	d.drained(10 * time.Second)
	base := d.files()

	leads := startHonest(t, d.log.public, 20)
	var wg sync.WaitGroup
	var mu sync.Mutex
	longest := time.Duration(0)
	most := 0
	slow := func(ways []slowWay, clients int) {
		for n := range clients {
			way, pause := ways[n%len(ways)], time.Duration(200+dice.IntN(800))*time.Millisecond
			delay := time.Duration(dice.IntN(1000)) * time.Millisecond
			wg.Go(func() {
				time.Sleep(delay)
				took, err := drip(address, way.beginning, way.crumb, pause)
				mu.Lock()
				defer mu.Unlock()
				longest = max(longest, took)
				if err != nil || took > slowMost {
					t.Errorf("%s: %v after %v, want it closed within %v", way.name, err, took, slowMost)
				}
			})
		}
	}
	slow(slowHeaders(), headers)
	slow(slowBodies(), bodies)
	watched := make(chan struct{})
	go func() { wg.Wait(); close(watched) }()
	for waiting := true; waiting; {
		most = max(most, d.files())
		select {
		case <-watched:
			waiting = false
		case <-time.After(250 * time.Millisecond):
		}
	}
	leads.end()
	leads.judge(fmt.Sprintf("S5 beside %d slow headers and %d slow bodies", headers, bodies), seed)
	t.Logf("figure: S5 every slow one closed ≤ %v | %v | seed %d", slowMost, longest.Round(10*time.Millisecond), seed)
	// The store may have opened its file a few times more.
	eventually(t, 5*time.Second, "as many files are open as before", func() bool { return d.files() <= base+8 })
	t.Logf("figure: S5 open files return to the base | %d, %d, %d before, during, after; memory at most %d MB | seed %d", base, most, d.files(), d.peak()>>20, seed)
	if most < headers/2 {
		t.Errorf("at most %d files were open: the slow ones were not there", most)
	}
	checkMemory(t, d)
	checkLog(t, d)
	d.stop()
}

const memoryMost = 128 << 20

func checkMemory(tb testing.TB, d *daemon) {
	tb.Helper()
	if peak := d.peak(); peak > memoryMost {
		tb.Errorf("the daemon held %d MB, want at most %d", peak>>20, memoryMost>>20)
	}
}

// checkLog fails when something went wrong that no sender may bring about.
func checkLog(tb testing.TB, d *daemon) {
	tb.Helper()
	for line := range strings.Lines(d.log.all()) {
		if strings.Contains(line, "panicked") || strings.Contains(line, `"level":"ERROR"`) {
			tb.Errorf("the log says: %s", line)
		}
	}
	if d.gone() {
		tb.Error("the daemon ended")
	}
}
