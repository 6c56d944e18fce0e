package notion

import "time"

// bucket is a token bucket kept as one time: when it would be full again. All
// arithmetic is on whole nanoseconds, so that no rounding lets one request too
// many through. It starts empty: the tokens it would begin with may have been
// spent just before a restart.
type bucket struct {
	interval time.Duration // of one token
	burst    int
	full     time.Time
}

func newBucket(rate float64, burst int, now time.Time) bucket {
	interval := time.Duration(float64(time.Second)/rate) + 1
	if exact := interval - 1; float64(exact)*rate == float64(time.Second) {
		interval = exact
	}
	return bucket{interval: interval, burst: burst, full: now.Add(time.Duration(burst) * interval)}
}

// next returns when a token is there, which may be in the past.
func (b *bucket) next() time.Time {
	return b.full.Add(-time.Duration(b.burst-1) * b.interval)
}

func (b *bucket) take(now time.Time) {
	b.full = latest(b.full, now).Add(b.interval)
}

// giveBack returns the token of a request that was not sent.
func (b *bucket) giveBack() { b.full = b.full.Add(-b.interval) }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
