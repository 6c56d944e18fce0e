package upsert

import (
	"context"
	"maps"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
)

// nobodys is for requests that are about no record.
func nobodys(ctx context.Context) context.Context { return crm.About(ctx, crm.Record{}) }

// sees notes a page that a run decided something about.
func sees(ctx context.Context, kind crm.StepKind, page string) {
	crm.Note(ctx, crm.Step{Kind: kind, Page: page})
}

// lost notes a page that the run cannot use.
func lost(ctx context.Context, page string, why error) {
	crm.Note(ctx, crm.Step{Kind: crm.StepLost, Page: page, Why: why.Error()})
}

// wrote notes what was written to a page: what only touched it apart.
func (r *run) wrote(ctx context.Context, page string, values map[string]crm.Value) {
	var filled, touched []string
	for _, id := range slices.Sorted(maps.Keys(values)) {
		if _, touch := r.Touch[id]; touch {
			touched = append(touched, id)
		} else {
			filled = append(filled, id)
		}
	}
	if len(filled) > 0 {
		crm.Note(ctx, crm.Step{Kind: crm.StepWrote, Page: page, Properties: filled})
	}
	if len(touched) > 0 {
		crm.Note(ctx, crm.Step{Kind: crm.StepTouched, Page: page, Properties: touched})
	}
}
