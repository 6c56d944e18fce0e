package crm_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestNearestIsWhatSomebodyMayHaveMeant(t *testing.T) {
	t.Parallel()
	names := []string{"Stage", "Value", "Owner", "Größe", "id"}
	for word, want := range map[string]string{
		"Stagee": "Stage", "stgae": "Stage", "VALU": "Value", "Ownr": "Owner", "Gröse": "Größe",
		"Stage": "", "Completely": "", "": "", "ix": "id", "xy": "",
	} {
		if got := crm.Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
