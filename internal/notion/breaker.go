package notion

import (
	"log/slog"
	"time"
)

const (
	failuresToOpen = 5
	firstProbe     = 5 * time.Second
	slowestProbe   = time.Minute // also for a refused token
)

// breaker holds calls back while Notion does not answer, or does not accept
// the token, and lets one through at a time to see whether it does again:
// after 5, 10, 20, 40 and then every 60 seconds. The gate's lock guards it.
type breaker struct {
	log *slog.Logger

	failures  int // in a row
	open      bool
	refused   bool // because of the token
	since     time.Time
	step      time.Duration // between the start of one probe and the next
	next      time.Time     // when the next probe may start
	probing   time.Time     // when the one under way started, zero for none
	lastError string
	lastOK    time.Time
}

// blocked returns until when no call may start. While a probe is under way
// its end is unknown: callers wait for it as long as they wait for anything.
func (b *breaker) blocked(now time.Time) (until time.Time, blocked bool) {
	switch {
	case !b.open:
		return time.Time{}, false
	case b.probing.IsZero():
		return b.next, now.Before(b.next)
	case now.Before(b.probing.Add(patience)):
		return b.probing.Add(patience), true
	}
	return now.Add(2 * patience), true
}

// enter lets a call through and reports whether it is a probe.
func (b *breaker) enter(now time.Time) (probe bool) {
	if b.open {
		b.probing = now
	}
	return b.open
}

// release forgets a probe that told nothing.
func (b *breaker) release() { b.probing = time.Time{} }

func (b *breaker) succeed(now time.Time) {
	b.failures, b.lastOK = 0, now
	if b.open {
		b.log.Info("notion answers again", slog.Duration("after", now.Sub(b.since).Round(time.Second)))
	}
	b.open, b.refused, b.probing = false, false, time.Time{}
}

func (b *breaker) fail(now time.Time, probe bool, why string) {
	b.failures++
	b.lastError = why
	switch {
	case probe:
		b.reschedule(now)
	case !b.open && b.failures >= failuresToOpen:
		b.open, b.since, b.step, b.next = true, now, firstProbe, now.Add(firstProbe)
		b.log.Warn("notion does not answer, calls are held back", slog.String("error", why))
	}
}

// refuse holds everything back after a 401: the next call would get the same.
func (b *breaker) refuse(now time.Time, probe bool, why string) {
	b.failures, b.lastError = 0, why
	if !b.refused {
		b.log.Error("notion refuses the token, nothing is sent until it is replaced", slog.String("error", why),
			slog.String("hint", "copy the secret of the connection again from Notion's settings into NOTION_TOKEN"))
	}
	if !b.open {
		b.since = now
	}
	if !b.open || !b.refused {
		b.next = now.Add(slowestProbe)
	}
	b.open, b.refused, b.step = true, true, slowestProbe
	if probe {
		b.reschedule(now)
	}
}

// reschedule counts from the start of the probe: one that hangs for a minute
// must not double the time until a recovery is seen.
func (b *breaker) reschedule(now time.Time) {
	start := b.probing
	b.release()
	b.step = min(2*b.step, slowestProbe)
	b.next = latest(start.Add(b.step), now.Add(time.Second))
}
