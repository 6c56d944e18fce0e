package lead

import (
	"context"

	"github.com/dealbell/dealbell/internal/crm"
)

// took notes which deliveries a run works in together.
func took(ctx context.Context, deliveries ...crm.Delivery) {
	if len(deliveries) > 0 {
		crm.Note(ctx, crm.Step{Kind: crm.StepTook, Deliveries: ids(deliveries)})
	}
}

func ids(deliveries []crm.Delivery) []string {
	found := make([]string, len(deliveries))
	for i, d := range deliveries {
		found[i] = d.ID
	}
	return found
}

// kept notes whose messages are on a page, or are it.
func kept(ctx context.Context, page string, deliveries ...string) {
	if len(deliveries) > 0 {
		crm.Note(ctx, crm.Step{Kind: crm.StepKept, Page: page, Deliveries: deliveries})
	}
}

// sentOn notes deliveries that belong to another record.
func sentOn(ctx context.Context, why string, deliveries ...crm.Delivery) {
	if len(deliveries) > 0 {
		crm.Note(ctx, crm.Step{Kind: crm.StepSentOn, Deliveries: ids(deliveries), Why: why})
	}
}
