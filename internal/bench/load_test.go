//go:build linux

package bench

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// numbers counts leads, so that no two are alike.
type numbers struct{ last atomic.Int64 }

func (n *numbers) next() int64 { return n.last.Add(1) }

// address is the email of lead number i.
func address(i int64) string { return fmt.Sprintf("lead-%d@example.com", i) }

// newLead is a form's JSON of about 550 bytes.
func newLead(email string) []byte {
	return fmt.Appendf(nil, `{"email":%q,"name":"Ana Example","company":"Example Ltd","utm_source":"Website","message":%q}`, email, message)
}

var message = strings.Repeat("We would like to know what it costs for a team of twelve. ", 8)[:425]

// client is one keep-alive connection to the daemon. It speaks just enough
// HTTP: a full client would take more of the processor than the daemon does.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	mac  hash.Hash
}

func connect(b *testing.B, addr string) *client {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	return &client{conn: conn, in: bufio.NewReader(conn), mac: hmac.New(sha256.New, []byte(formSecret))}
}

func (c *client) close() { c.conn.Close() }

// send posts a signed lead; the error is nil once it is acknowledged.
func (c *client) send(body []byte) error {
	c.mac.Reset()
	c.mac.Write(body)
	c.out = append(c.out[:0], "POST /lead HTTP/1.1\r\nHost: dealbell\r\nContent-Type: application/json\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\nX-Form-Signature: sha256="...)
	c.out = hex.AppendEncode(c.out, c.mac.Sum(nil))
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusAccepted || !strings.Contains(string(answer), `"accepted"`)) {
		err = fmt.Errorf("answer %s: %s", res.Status, answer)
	}
	return err
}

// closedLoop lets n clients send as fast as they are answered.
func closedLoop(b *testing.B, d *daemon, n int, length time.Duration) ([]time.Duration, time.Duration) {
	b.Helper()
	const warmUp = 200 * time.Millisecond
	begin := time.Now().Add(warmUp)
	end := begin.Add(length)
	took := each(b, d.addr, n, func(c *client) (took []time.Duration, err error) {
		for {
			body := newLead(address(d.sent.next()))
			at := time.Now()
			if at.After(end) {
				return took, nil
			}
			if err := c.send(body); err != nil {
				return nil, err
			}
			if now := time.Now(); at.After(begin) && now.Before(end) {
				took = append(took, now.Sub(at))
			}
		}
	})
	return took, length
}

// openLoop sends at a fixed rate whatever the answers do. A lead's time
// counts from when it was due, so that a stall is seen by every lead that
// came due during it.
func openLoop(b *testing.B, d *daemon, perSecond int, length time.Duration) []time.Duration {
	b.Helper()
	total := perSecond * int(length.Seconds())
	due := make(chan time.Time, total) // never full: the schedule waits for nobody
	go func() {
		defer close(due)
		begin := time.Now().Add(200 * time.Millisecond)
		for i := range total {
			at := begin.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			sleepUntil(at)
			due <- at
		}
	}()
	return each(b, d.addr, 128, func(c *client) (took []time.Duration, err error) {
		for at := range due {
			if err := c.send(newLead(address(d.sent.next()))); err != nil {
				return nil, err
			}
			took = append(took, time.Since(at))
		}
		return took, nil
	})
}

// sleepUntil is exact to some 0.1 ms; the runtime's timers are not, on an
// idle machine.
func sleepUntil(at time.Time) {
	for wait := time.Until(at); wait > 0; wait = time.Until(at) {
		t := syscall.NsecToTimespec(wait.Nanoseconds())
		_ = syscall.Nanosleep(&t, nil) // interrupted: once more
	}
}

// each gives every client a goroutine and gathers their times.
func each(b *testing.B, addr string, n int, run func(*client) ([]time.Duration, error)) []time.Duration {
	b.Helper()
	took := make([][]time.Duration, n)
	errs := make([]error, n)
	connected := make([]*client, n)
	for i := range n {
		connected[i] = connect(b, addr)
	}
	var wg sync.WaitGroup
	for i, c := range connected {
		wg.Go(func() {
			defer c.close()
			took[i], errs[i] = run(c)
		})
	}
	wg.Wait()
	var all []time.Duration
	for i := range n {
		if errs[i] != nil {
			b.Fatal("a lead was not acknowledged: ", errs[i])
		}
		all = append(all, took[i]...)
	}
	return all
}
