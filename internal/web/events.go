package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	followers = 64               // tabs that may follow at once
	beat      = 15 * time.Second // a quiet stream shows that it is alive
	sendLimit = 10 * time.Second // for a browser to take what is sent
)

// events sends the overview's numbers as they change (Server-Sent Events,
// https://html.spec.whatwg.org/multipage/server-sent-events.html). It ends
// with the process and with the session.
func (s *site) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.following <- struct{}{}:
		defer func() { <-s.following }()
	default:
		s.refuse(w, r, http.StatusServiceUnavailable, "Too many pages are open", "Close some of the others.")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	c := stream{http.NewResponseController(w), w}
	tick := time.NewTicker(figuresAge)
	defer tick.Stop()
	shown, sentAt := "", time.Time{}
	for {
		if in, err := s.passes.hold(r, s.look); err != nil || !in {
			return
		}
		text, err := s.livePart(r)
		if err != nil {
			return // the browser tries again
		}
		switch now := time.Now(); {
		case text != shown:
			err, shown, sentAt = c.send("event: page\n"+data(text)), text, now
		case now.Sub(sentAt) >= beat:
			err, sentAt = c.send(": still here\n\n"), now
		}
		if err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-s.Draining:
			return
		}
	}
}

// passes remembers for a second that a session is there, for all its tabs.
type passes struct {
	mu      sync.Mutex
	checked map[string]pass // by cookie
}

type pass struct {
	at time.Time
	in bool
}

// hold reports whether the session of a request is still there.
func (p *passes) hold(r *http.Request, look func(*http.Request) (session, bool, error)) (bool, error) {
	who, ok := sessionOf(r)
	if !ok {
		return false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key, now := string(hashOf(who.cookie)), time.Now()
	if known := p.checked[key]; now.Sub(known.at) < figuresAge {
		return known.in, nil
	}
	_, in, err := look(r)
	if len(p.checked) >= followers || p.checked == nil {
		p.checked = map[string]pass{}
	}
	p.checked[key] = pass{now, in && err == nil}
	return in, err
}

// livePart renders what changes on the overview.
func (s *site) livePart(r *http.Request) (string, error) {
	v, err := s.figures.fresh(r.Context(), figuresAge, s.readOverview)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	f := frame{view: view{Content: v}, now: time.Now(), zone: s.Zone}
	if err := s.byName["overview"].ExecuteTemplate(&b, "live", f); err != nil {
		return "", err
	}
	return b.String(), nil
}

// data is a text as the field of an event.
func data(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	return b.String() + "\n"
}

// stream writes beyond the limit that the server sets for an answer.
type stream struct {
	*http.ResponseController
	w http.ResponseWriter
}

func (s stream) send(event string) error {
	if err := s.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return fmt.Errorf("keep the stream open: %w", err)
	}
	if _, err := s.w.Write([]byte(event)); err != nil {
		return err
	}
	return s.Flush()
}
