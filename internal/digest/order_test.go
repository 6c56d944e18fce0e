package digest_test

import (
	"context"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/store"
)

// hasty makes a digest between the first and the second look at it.
type hasty struct {
	order digest.Order
	looks int
}

func (h *hasty) done() bool {
	h.looks++
	return h.looks > 1
}

func (h *hasty) Digest(context.Context, string, string) ([]crm.Message, error) {
	if !h.done() {
		return nil, nil
	}
	return []crm.Message{{State: crm.MessageSent, Text: "☕ Morning."}}, nil
}

func (h *hasty) Jobs(context.Context, store.JobFilter) ([]crm.Job, error) {
	if h.done() {
		return nil, nil
	}
	return []crm.Job{h.order.Job()}, nil
}

func TestADigestThatIsMadeBetweenTwoLooksIsNotSaidToBeEmpty(t *testing.T) {
	t.Parallel()
	h := &hasty{order: digest.Order{Name: "stale-leads", Slot: "by hand"}}
	for range 3 {
		p, err := h.order.Progress(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		if !p.Waits && len(p.Messages) == 0 {
			t.Fatal("nothing to say, although it was made")
		}
	}
}
