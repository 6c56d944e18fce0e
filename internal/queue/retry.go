package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	firstWait     = 2 * time.Second
	outageWait    = time.Minute      // longest wait when the other side is away: its return is noticed soon
	stubbornWait  = 15 * time.Minute // longest wait for anything else
	forbiddenWait = time.Minute
	forbiddenMost = 5 * time.Minute // a person has mended it: do not let them wait long
	giveUpAge     = 7 * 24 * time.Hour
)

// decide says what becomes of a job after a run.
//
//	nil                          finished
//	a time is known (RetryAt)    waiting until then, not counted
//	the runner is stopping       waiting for the next start, not counted
//	crm.ErrInvalid               dead
//	crm.ErrForbidden             waiting 1, 2, 4, 5 minutes: a person has to act
//	anything else                waiting 2 s, 4 s, 8 s …, dead after 7 days
//
// Reads never become dead letters: nothing is lost when one fails, and without
// the next one nothing new would be seen.
func (r *Runner) decide(res result, now time.Time) crm.End {
	end := crm.End{Job: res.job, Commit: res.commit}
	if res.err == nil {
		return end
	}
	end.State, end.Reason, end.At = crm.JobWaiting, res.err.Error(), now
	at, known := crm.RetryAt(res.err)
	switch {
	case errors.Is(res.err, crm.ErrInvalid) && res.job.Lane != crm.Sync:
		end.State, end.Tried, end.At = crm.JobDead, true, time.Time{}
	case known:
		end.At = at
	case errors.Is(res.err, context.Canceled):
	case errors.Is(res.err, crm.ErrForbidden):
		end.Tried = true
		end.At = now.Add(min(forbiddenMost, forbiddenWait<<min(res.job.Attempts, 10)))
	case now.Sub(res.job.CreatedAt) > giveUpAge && res.job.Lane != crm.Sync:
		end.State, end.Tried, end.At = crm.JobDead, true, time.Time{}
		end.Reason = "given up after 7 days: " + end.Reason
	default:
		end.Tried = true
		end.At = now.Add(r.o.Jitter(backoff(res.job.Attempts, res.err)))
	}
	return end
}

// backoff doubles from two seconds.
func backoff(attempts int, err error) time.Duration {
	longest := stubbornWait
	if errors.Is(err, crm.ErrUnavailable) || errors.Is(err, crm.ErrAmbiguous) {
		longest = outageWait
	}
	return min(longest, firstWait<<min(attempts, 20))
}

func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
