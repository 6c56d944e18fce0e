package demo

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const journalLength = 200

// journal is what a newcomer should notice, as it happens.
type journal struct {
	mu      sync.Mutex
	entries []sandbox.LogEntry // the newest first
	last    int
}

func (j *journal) say(mark sandbox.Mark, format string, values ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	entry := sandbox.LogEntry{ID: j.last, At: time.Now(), Text: fmt.Sprintf(format, values...), Mark: mark}
	j.entries = slices.Insert(j.entries, 0, entry)
	j.entries = j.entries[:min(len(j.entries), journalLength)]
}

func (j *journal) all() []sandbox.LogEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}
