package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Exchange is one request that the workspace saw, and what became of it.
type Exchange struct {
	Start, End time.Time // End is zero while the request is under way
	Method     string
	Path       string
	Query      string // undecoded
	Version    string // the Notion-Version header
	Body       []byte // of the request
	Status     int    // 0 when no answer was sent
	Fault      Fault  // "" when it was treated well
	Wrote      bool   // a write was applied, whatever the answer says
	Abandoned  bool   // the client gave up first
	RetryAfter time.Duration
}

// Transcript lists every request in the order of arrival.
func (w *Workspace) Transcript() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Exchange, len(w.exchanges))
	for i, x := range w.exchanges {
		out[i] = *x
		out[i].Body = slices.Clone(x.Body)
	}
	return out
}

// ForgetTranscript empties the transcript, for sandboxes that run for long.
func (w *Workspace) ForgetTranscript() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = nil
}

func (w *Workspace) record(r *http.Request, body []byte) *Exchange {
	x := &Exchange{
		Start: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Version: r.Header.Get("Notion-Version"), Body: body,
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, x)
	return x
}

func (w *Workspace) finish(x *Exchange, out reply, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x.End = time.Now()
	x.Abandoned = abandoned(err)
	if err != nil || out.reset {
		return
	}
	x.Status = out.status
	if s, err := strconv.Atoi(out.header.Get("Retry-After")); err == nil {
		x.RetryAfter = time.Duration(s) * time.Second
	}
}
