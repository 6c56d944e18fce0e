package store_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// A website that sends once more what a person had corrected must not bring
// back who was forgotten since.
func TestWhatWasCorrectedIsForgottenAsItCame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	in := store.Intake{
		Delivery: crm.Delivery{ID: "one", Source: "lead", Key: "one", ContentType: "application/json", Body: []byte(`{"mail":"555-ANA"}`)},
		Job:      crm.Job{Kind: "lead.address", Key: "one", Unique: "one"},
	}
	if _, err := db.Accept(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	claimed, _, err := db.Turn(t.Context(), nil, crm.Room{Notion: 1, Lanes: map[crm.Lane]int{crm.Live: 1}})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%+v, %v", claimed, err)
	}
	corrected := crm.Correction{Delivery: "one", Body: []byte(`{"email":"` + anas + `"}`), Key: anas, Job: crm.Job{Kind: "lead.upsert", Key: anas, Unique: anas}}
	if err := db.Correct(t.Context(), claimed[0], corrected); err == nil {
		t.Error("a job that runs was corrected")
	}
	if _, _, err := db.Turn(t.Context(), []crm.End{{Job: claimed[0], State: crm.JobDead}}, crm.Room{}); err != nil {
		t.Fatal(err)
	}
	corrected.Delivery = "other"
	if err := db.Correct(t.Context(), claimed[0], corrected); err == nil {
		t.Error("a delivery that is not part of the dead letter was corrected")
	}
	corrected.Delivery = "one"
	if err := db.Correct(t.Context(), claimed[0], corrected); err != nil {
		t.Fatal(err)
	}
	jobs, err := db.Jobs(t.Context(), store.JobFilter{})
	if err != nil || len(jobs) != 1 || jobs[0].Kind != "lead.upsert" || jobs[0].State != crm.JobReady {
		t.Errorf("jobs %+v, %v; want the one of the contact", jobs, err)
	}
	if _, err := db.Forget(t.Context(), store.Oblivion{Email: parse(t, anas)}); err != nil {
		t.Fatal(err)
	}
	if found := traces(t, dir, anasTraces()...); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
	for _, body := range [][]byte{in.Delivery.Body, corrected.Body} {
		in.Delivery.ID, in.Delivery.Body = store.NewID(), body
		if r, err := db.Accept(t.Context(), in); err != nil || r.Verdict != store.Duplicate {
			t.Errorf("%s came again: %+v, %v; want it to have no effect", body, r, err)
		}
	}
}
