package meter

import (
	"sync"
	"time"
)

// Minute counts what happened in the last minute, to the second. Its methods
// may be called from any goroutine.
type Minute struct {
	mu      sync.Mutex
	seconds [60]struct {
		at int64 // Unix time
		n  int
	}
}

// Add counts one more.
func (m *Minute) Add(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.seconds[now.Unix()%60]
	if s.at != now.Unix() {
		s.at, s.n = now.Unix(), 0
	}
	s.n++
}

// Count returns how many there were.
func (m *Minute) Count(now time.Time) (sum int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.seconds {
		if s.at > now.Unix()-60 && s.at <= now.Unix() {
			sum += s.n
		}
	}
	return sum
}
