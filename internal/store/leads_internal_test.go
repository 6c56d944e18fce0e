package store

import (
	"log/slog"
	"strings"
	"testing"
)

// With 100,000 deliveries no list may read more of them than it shows, and no
// sort.
func TestListsOfLeadsFollowAnIndex(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	statements := map[string]string{"count": countArrivals, "left out": leftOut}
	for standing := range conditions {
		statements["standing "+string(standing)], _ = leadsQuery(LeadFilter{Standing: standing}, 0, 1, 50)
	}
	statements["form"], _ = leadsQuery(LeadFilter{Form: "f"}, 0, 1, 50)
	statements["contact"], _ = leadsQuery(LeadFilter{Key: "k"}, 0, 1, 50)
	if err := db.write(t.Context(), func(tx *tx) error {
		for name, s := range statements {
			for _, step := range plan(t, tx, s) {
				all := strings.HasPrefix(step, "SCAN inbox") && !strings.Contains(step, "INDEX") || strings.Contains(step, "INTEGER PRIMARY KEY")
				wrong := all && name != "standing " && name != "standing done" || strings.Contains(step, "TEMP B-TREE") && name != "standing open" && name != "standing dead"
				if wrong {
					t.Errorf("%s: %s\n\t%s", name, step, s)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
