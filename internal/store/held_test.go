package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

func doubtful(n, size int) store.Intake {
	id := fmt.Sprintf("held%022d", n)
	return store.Intake{
		Delivery: crm.Delivery{ID: id, Source: "contact", Key: "ana@example.com", Body: append(fmt.Appendf(nil, "%d ", n), make([]byte, size)...)},
		Held:     []string{"origin"}, Job: crm.Job{Kind: "x", Key: "ana@example.com", Unique: "ana@example.com"},
	}
}

func TestWhatIsHeldWaitsForAPerson(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	for n := range 2 {
		if receipt, err := db.Accept(t.Context(), doubtful(n, 1)); err != nil || receipt.Verdict != store.Held {
			t.Fatalf("Accept: %+v, %v, want it held", receipt, err)
		}
	}
	jobs, err := db.Jobs(t.Context(), store.JobFilter{})
	if err != nil || len(jobs) != 0 {
		t.Fatalf("jobs %v, %v, want none before somebody looked", jobs, err)
	}
	first, second := doubtful(0, 1), doubtful(1, 1)
	if err := db.Admit(t.Context(), first.Delivery.ID, first.Job); err != nil {
		t.Fatal(err)
	}
	if err := db.Discard(t.Context(), second.Delivery.ID); err != nil {
		t.Fatal(err)
	}
	for _, again := range []error{db.Admit(t.Context(), first.Delivery.ID, first.Job), db.Discard(t.Context(), second.Delivery.ID)} {
		if !errors.Is(again, store.ErrNotFound) {
			t.Errorf("a second time: %v, want ErrNotFound", again)
		}
	}
	jobs, err = db.Jobs(t.Context(), store.JobFilter{})
	pending, pendingErr := db.Pending(t.Context(), "ana@example.com", 10)
	if len(jobs) != 1 || len(pending) != 1 || pending[0].ID != first.Delivery.ID || err != nil || pendingErr != nil {
		t.Errorf("jobs %v, open %v, %v, %v; want the one that was let go on", jobs, pending, err, pendingErr)
	}
}

func TestStrangersCannotFillTheDiskWithDoubt(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	const most, size = 64 << 20, 4 << 20
	refused := 0
	for n := range most/size + 2 {
		switch _, err := db.Accept(t.Context(), doubtful(n, size)); {
		case errors.Is(err, store.ErrHeldFull):
			refused++
		case err != nil:
			t.Fatal(err)
		}
	}
	held, err := db.Held(t.Context())
	if refused < 2 || len(held) == 0 || err != nil {
		t.Errorf("%d refused, %d held, %v, want those beyond 64 MB refused", refused, len(held), err)
	}
	sound := doubtful(-1, 1)
	sound.Held = nil
	if receipt, err := db.Accept(t.Context(), sound); err != nil || receipt.Verdict != store.Accepted {
		t.Errorf("one without doubt: %+v, %v, want it accepted", receipt, err)
	}
}

func TestASecretOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, fresh := range []string{"first", "second"} {
		db := open(t, dir)
		if kept, err := db.Secret(t.Context(), "key", secret.New(fresh)); err != nil || kept.Reveal() != "first" {
			t.Errorf("kept another than the first, %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Anybody can type somebody's address into a public form: only the person who
// lets it go on believes that somebody who was forgotten is back.
func TestAHeldSubmissionBringsNobodyBackBeforeItIsLetGoOn(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.forget(store.Oblivion{})
	in := store.Intake{
		Delivery: crm.Delivery{ID: store.NewID(), Source: "contact", Key: anas, Body: []byte("new")},
		Held:     []string{"origin"}, Job: crm.Job{Kind: "lead.upsert", Key: anas, Unique: anas},
	}
	if receipt, err := s.db.Accept(t.Context(), in); err != nil || receipt.Verdict != store.Held {
		t.Fatalf("Accept: %+v, %v", receipt, err)
	}
	if known, err := s.db.Known(t.Context(), contacts, anas); err != nil || len(known) != 0 {
		t.Errorf("while it is held: Known = %+v, %v, want nothing", known, err)
	}
	if err := s.db.Admit(t.Context(), in.Delivery.ID, in.Job); err != nil {
		t.Fatal(err)
	}
	if known, err := s.db.Known(t.Context(), contacts, anas); err != nil || len(known) != 1 || known[0].Page != anasPage {
		t.Errorf("after it was let go on: Known = %+v, %v, want the page, or there will be a second one", known, err)
	}
}
