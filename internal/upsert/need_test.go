package upsert_test

import (
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

func TestAPropertyThatHasAPlaceIsNotProposedForAnother(t *testing.T) {
	t.Parallel()
	schema := crm.Schema{Properties: []crm.Property{{ID: "d", Name: "Einzelheiten", Kind: crm.KindText}}}
	need := upsert.Need{Property: "Dealbell ID", Use: "tells rows apart", Kinds: []crm.Kind{crm.KindText}, Where: "lead:"}
	for name, tc := range map[string]struct {
		known map[string]string
		want  bool
	}{
		"free":  {nil, true},
		"taken": {map[string]string{"Einzelheiten": "d"}, false},
	} {
		m := need.Fit(upsert.Bindings{Bindings: crm.Bindings{Schema: schema, Known: tc.known}})
		if m == nil || strings.Contains(m.Text, "did you mean") != tc.want {
			t.Errorf("%s: %+v, want a proposal %v", name, m, tc.want)
		}
	}
}
