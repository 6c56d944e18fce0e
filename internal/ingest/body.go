package ingest

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// How many bodies are read at once. Together they fit into 48 MB.
const (
	maxBodies = 256 // of at most maxBody
	maxEvents = 32  // of at most maxEvent
)

// bodies are the bodies that are being read. A body is read before its request
// takes one of the places in flight, so that whoever sends slowly holds
// nobody else up. When too many are being read, the one that was begun first
// is cut off: honest bodies take milliseconds, so it is the least likely to
// be one.
type bodies struct {
	most int

	mu   sync.Mutex
	open []*http.ResponseController // of those being read, oldest first
}

// first reads the body, as far as it may be long, before next is called.
func (b *bodies) first(longest int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			b.begin(c)
			// One more byte tells the handler that it is too long.
			content, err := io.ReadAll(io.LimitReader(r.Body, longest+1))
			b.end(c)
			r.Body = &replay{bytes.NewReader(content), err, r.Body}
			next.ServeHTTP(w, r)
		})
	}
}

func (b *bodies) begin(c *http.ResponseController) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.open) >= b.most {
		_ = b.open[0].SetReadDeadline(time.Now()) // a connection that is gone needs none
		b.open = b.open[1:]
	}
	b.open = append(b.open, c)
}

func (b *bodies) end(c *http.ResponseController) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = slices.DeleteFunc(b.open, func(other *http.ResponseController) bool { return other == c })
}

// replay is a body that was read, with the error that ended it.
type replay struct {
	content *bytes.Reader
	err     error
	io.Closer
}

// Read implements io.Reader.
func (b *replay) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	if err == io.EOF && b.err != nil {
		err = b.err
	}
	return n, err
}
