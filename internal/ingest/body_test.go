package ingest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/store"
)

// begin sends the head of a lead and a part of its body.
func begin(t *testing.T, address, path, part string, length int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		path, "X-Form-Signature", sign(current, "", ana), length, part); err != nil {
		t.Fatal(err)
	}
	return conn
}

// answered reads an answer, waiting for it at most so long.
func answered(conn net.Conn, patience time.Duration) (status int, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// Slow bodies take no place from honest ones, however many they are: the
// oldest are cut off, and the others may still end.
func TestSlowBodiesGiveWay(t *testing.T) {
	t.Parallel()
	const most, slow, events = 256, 600, 40 // more than may be in flight
	d := open(t, nil)
	server := httptest.NewServer(d.handler)
	t.Cleanup(func() {
		server.Close() // after the clients are gone
		d.close()
	})
	address := strings.TrimPrefix(server.URL, "http://")
	var all []net.Conn
	for i := range slow {
		path, part, length := "/lead", ana[:5], len(ana)
		if i < events {
			path, part, length = "/notion-webhook", "{", 100
		}
		all = append(all, begin(t, address, path, part, length))
		if i%50 == 0 { // in this order
			time.Sleep(time.Millisecond)
		}
	}
	for range 3 {
		if status, err := answered(begin(t, address, "/lead", ana, len(ana)), 5*time.Second); status != http.StatusAccepted {
			t.Errorf("an honest lead beside %d slow ones: %d, %v, want 202", slow, status, err)
		}
	}
	statuses := make([]int, slow)
	var wg sync.WaitGroup
	for i, conn := range all[events:] {
		wg.Go(func() { statuses[i], _ = answered(conn, 200*time.Millisecond) }) // 0 while it is open
	}
	wg.Wait()
	cut, open := 0, []net.Conn{}
	for i, conn := range all[events:] {
		switch statuses[i] {
		case 0:
			open = append(open, conn)
		case http.StatusRequestTimeout:
			cut++
		default:
			t.Errorf("a slow body was answered with %d", statuses[i])
		}
	}
	if cut < slow-events-most {
		t.Errorf("%d slow bodies were cut off, want %d at least", cut, slow-events-most)
	}
	if len(open) == 0 {
		t.Fatal("all slow bodies were cut off")
	}
	last := open[len(open)-1]
	if _, err := last.Write([]byte(ana[5:])); err != nil {
		t.Fatal(err)
	}
	if status, err := answered(last, 5*time.Second); status != http.StatusAccepted {
		t.Errorf("a slow body that ended after all: %d, %v, want 202", status, err)
	}
}

// A sender with a wrong secret whose patience ends before our disk answers
// would otherwise lose its lead for good.
func TestASenderWhoGoesAwayLeavesItsRejectedBody(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	defer d.close()
	gone, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(gone, http.MethodPost, "/lead", strings.NewReader(ana))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Form-Signature", "sha256=00")
	d.handler.ServeHTTP(httptest.NewRecorder(), r)
	if kept, err := d.db.Quarantined(t.Context()); err != nil || len(kept) != 1 || string(kept[0].Body) != ana {
		t.Errorf("kept %v, %v; want the body", kept, err)
	}
}

// careless panics with what it holds.
type careless struct{ *store.DB }

func (careless) Accept(_ context.Context, in store.Intake) (store.Receipt, error) {
	panic(string(in.Delivery.Body))
}

func TestAPanicIsLoggedWithoutWhatItHolds(t *testing.T) {
	t.Parallel()
	d := open(t, func(db *store.DB) ingest.Inbox { return careless{db} })
	defer d.close()
	if answer := signed(ana).send(d.handler); answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "ana@") {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
	if log := d.logs.String(); !strings.Contains(log, "request panicked") || !strings.Contains(log, "careless") || strings.Contains(log, "example.com") {
		t.Errorf("the log says %s, want where it was and not what it held", log)
	}
}
