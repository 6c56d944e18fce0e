package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Exchange is one request that the sandbox saw, and what became of it.
type Exchange struct {
	Start, End time.Time // End is zero while the request is under way
	Method     string
	Path       string
	Query      string        // undecoded
	Version    string        // the Notion-Version header; "" of requests to Slack
	Body       []byte        // of the request
	Status     int           // 0 when no answer was sent
	RequestID  string        // that the answer named; "" when it named none
	Fault      Fault         // "" when it was treated well
	Wrote      bool          // a write was applied, whatever the answer says
	Abandoned  bool          // the client gave up first
	RetryAfter time.Duration // that the answer asked for, in seconds or by a date
}

// Transcript lists every request in the order of arrival.
func (f *front) Transcript() []Exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Exchange, len(f.exchanges))
	for i, x := range f.exchanges {
		out[i] = *x
		out[i].Body = slices.Clone(x.Body)
	}
	return out
}

// ForgetTranscript empties the transcript, for sandboxes that run for long.
func (f *front) ForgetTranscript() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exchanges = nil
}

// Watch tells see of every exchange once it has ended; nil ends that. It must
// not call back into the sandbox.
func (f *front) Watch(see func(Exchange)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.see = see
}

func (f *front) record(r *http.Request, body []byte) *Exchange {
	x := &Exchange{
		Start: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Version: r.Header.Get("Notion-Version"), Body: body,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exchanges = append(f.exchanges, x)
	return x
}

func (f *front) finish(x *Exchange, out reply, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x.End = time.Now()
	x.Abandoned = abandoned(err)
	if f.see != nil {
		defer func() { f.see(*x) }()
	}
	if err != nil || out.broken != nil {
		return
	}
	x.Status, x.RequestID = out.status, out.header.Get("X-Notion-Request-Id")
	asked := out.header.Get("Retry-After")
	if s, err := strconv.Atoi(asked); err == nil {
		x.RetryAfter = time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(asked); err == nil {
		x.RetryAfter = at.Sub(x.End)
	}
}
