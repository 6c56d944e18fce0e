package digest

import (
	"context"
	"errors"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// Order is a digest that a person asks for, besides those of its schedule.
type Order struct {
	Name string
	Slot string
	Dry  bool // it is made to be looked at, and not sent
}

// Progress is how far an order has come.
type Progress struct {
	Waits    bool   // it is still being made or sent
	Reason   string // why it waits; "" while it goes on
	Messages []crm.Message
}

// Orders is where orders are looked up.
type Orders interface {
	Digest(ctx context.Context, name, slot string) ([]crm.Message, error)
	Jobs(ctx context.Context, f store.JobFilter) ([]crm.Job, error)
}

// Job returns the job that carries the order out.
func (o Order) Job() crm.Job {
	if o.Dry {
		return DryJob(o.Name, o.Slot)
	}
	return Job(o.Name, o.Slot, time.Time{})
}

// Progress looks how far the order has come: at the job first, because what it
// makes is there when it is gone. The error says why it cannot be carried out.
func (o Order) Progress(ctx context.Context, in Orders) (Progress, error) {
	jobs, err := in.Jobs(ctx, store.JobFilter{Kind: KindMake})
	if err != nil {
		return Progress{}, err
	}
	for _, j := range jobs {
		switch {
		case j.Unique != o.Job().Unique:
		case j.State == crm.JobDead:
			return Progress{}, errors.New(j.LastError)
		default:
			return Progress{Waits: true, Reason: j.LastError}, nil
		}
	}
	messages, err := in.Digest(ctx, o.Name, o.Slot)
	if err != nil {
		return Progress{}, err
	}
	for _, m := range messages {
		if m.State == crm.MessageQueued || m.State == crm.MessageSending {
			return Progress{true, m.Reason, messages}, nil
		}
	}
	return Progress{Messages: messages}, nil
}
