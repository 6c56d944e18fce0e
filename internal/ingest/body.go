package ingest

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// How many bodies are read at once. Together they fit into 32 MB, with the
// room that buffers keep to grow.
const (
	maxBodies = 256 // of at most maxBody
	maxEvents = 8   // of at most maxEvent
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
			content, err := readUpTo(r.Body, longest+1) // one more tells that it is too long
			b.end(c)
			r.Body = &replay{content, bytes.NewReader(content), err, r.Body}
			next.ServeHTTP(w, r)
		})
	}
}

// readUpTo reads at most so many bytes. What a client announces takes no
// memory before it comes.
func readUpTo(body io.Reader, most int64) ([]byte, error) {
	var b bytes.Buffer
	_, err := b.ReadFrom(io.LimitReader(body, most))
	return b.Bytes(), err
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
	content []byte
	from    *bytes.Reader
	err     error
	io.Closer
}

// Read implements io.Reader.
func (b *replay) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err == io.EOF && b.err != nil {
		err = b.err
	}
	return n, err
}

// wholeBody returns the body, which may be so long; where it was read before,
// without a copy.
func wholeBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	read, before := r.Body.(*replay)
	switch {
	case !before:
		return readUpTo(http.MaxBytesReader(w, r.Body, most), most+1)
	case int64(len(read.content)) > most:
		return nil, &http.MaxBytesError{Limit: most}
	}
	return read.content, read.err
}
