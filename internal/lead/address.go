package lead

import (
	"context"
	"fmt"

	"github.com/dealbell/dealbell/internal/crm"
)

// Address finds out whose lead a delivery is, where that was not clear when it
// came: a vendor is answered that it was taken, whatever it sends. One that is
// nobody's becomes a dead letter, until the configuration says where the
// address is, or that it is no lead at all.
func (s *Service) Address(ctx context.Context, job crm.Job) (crm.Commit, error) {
	d, err := s.o.State.Delivery(ctx, job.Key)
	if err != nil {
		return crm.Commit{}, fmt.Errorf("read delivery %s: %w", job.Key, err)
	}
	ctx = crm.About(ctx, crm.Record{Key: job.Key})
	took(ctx, d)
	f, err := s.form(d)
	if err != nil {
		return crm.Commit{}, err
	}
	if f.Database != "" {
		sentOn(ctx, "the submissions of its form are rows by now", d)
		return crm.Commit{Jobs: []crm.Job{f.Job(d.ID, d.ID)}}, nil
	}
	l, err := s.readLead(d)
	if err != nil {
		return crm.Commit{}, err
	}
	sentOn(ctx, "its form says whose lead it is", d)
	return crm.Commit{Addressed: []crm.Addressed{{Delivery: d.ID, Key: l.email.Key}}, Jobs: []crm.Job{UpsertJob(l.email.Key)}}, nil
}
