package lead

import (
	"context"
	"fmt"

	"github.com/dealbell/dealbell/internal/crm"
)

// Address finds out whose lead a delivery is, where that was not clear when it
// came: a vendor is answered that it was taken, whatever it sends. One that is
// nobody's becomes a dead letter, until the configuration says where the
// address is.
func (s *Service) Address(ctx context.Context, job crm.Job) (crm.Commit, error) {
	d, err := s.o.State.Delivery(ctx, job.Key)
	if err != nil {
		return crm.Commit{}, fmt.Errorf("read delivery %s: %w", job.Key, err)
	}
	leads, err := s.readAll([]crm.Delivery{d})
	if err != nil {
		return crm.Commit{}, err
	}
	key := leads[0].email.Key
	return crm.Commit{Addressed: []crm.Addressed{{Delivery: d.ID, Key: key}}, Jobs: []crm.Job{UpsertJob(key)}}, nil
}
