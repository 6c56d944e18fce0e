package crm

import (
	"context"
	"slices"
	"sync"
	"time"
)

// StepKind says what a step was.
type StepKind string

// The kinds of steps. What else a step says stands behind each.
const (
	StepAsked     StepKind = "asked"     // Notion: Endpoint, Status, Took, Request; Page when the path named one
	StepTook      StepKind = "took"      // in Deliveries, together
	StepSentOn    StepKind = "sent on"   // Deliveries, which belong to another record: Why
	StepImported  StepKind = "imported"  // a row of a file: Why says which
	StepKnew      StepKind = "knew"      // the record's Page from before
	StepFound     StepKind = "found"     // the record's Page by a look-up
	StepMissed    StepKind = "missed"    // the record: a look-up found none
	StepLost      StepKind = "lost"      // Page, which is gone or somebody else's: Why
	StepBegan     StepKind = "began"     // to create the record's page
	StepMade      StepKind = "made"      // the record's Page
	StepSettled   StepKind = "settled"   // that Page is what an earlier create made, whose answer was lost
	StepWrote     StepKind = "wrote"     // Properties of Page, which were blank
	StepTouched   StepKind = "touched"   // Properties of Page, which tell of the latest submission
	StepLeft      StepKind = "left"      // Page as it is: nothing was blank
	StepKept      StepKind = "kept"      // the messages of Deliveries, on Page
	StepLeftOut   StepKind = "left out"  // Properties, by name: Why
	StepCompleted StepKind = "completed" // Properties, by name, that were left out before
	StepWaits     StepKind = "waits"     // the job, Until: Why
	StepDied      StepKind = "died"      // the job: Why
	StepRetried   StepKind = "retried"   // a dead letter, by a person
	StepDropped   StepKind = "dropped"   // a dead letter or Deliveries, by a person
	StepCorrected StepKind = "corrected" // Deliveries of a dead letter, by a person
	StepAdmitted  StepKind = "admitted"  // Deliveries that were held or rejected, by a person
	StepReopened  StepKind = "reopened"  // Deliveries that were worked in before, by a person
)

// Record is whom or what a step is about.
type Record struct {
	Key  string // of the job: the contact's, or the delivery's; "" for none
	Page string // id; "" as long as it is not known
}

// Step is a decision about a record, or a request that was made for it. What a
// person entered stands where it refers to; only Why may quote a value, where a
// refusal does.
type Step struct {
	Kind       StepKind
	At         time.Time // when it began, for what takes time
	Record     Record
	Job        int64 // whose run it is part of; 0 for none
	Page       string
	Deliveries []string
	Properties []string // ids, or names where there is no such property
	Why        string
	Until      time.Time

	Endpoint string        // a method and a path without ids
	Status   int           // 0 when no whole answer came
	Took     time.Duration // until then
	Request  string        // Notion's id of the request; "" when it gave none
}

// Journal collects the steps of one run of a job in the order in which they
// happened. Its context goes to whatever the run calls, so that what fails or
// panics in the middle still tells what it did.
type Journal struct {
	job   int64
	mu    sync.Mutex
	steps []Step
	about Record // of the latest step
	taken bool   // there were steps that are not there any more
}

// entry is what a context knows of the journal.
type entry struct {
	journal *Journal
	record  Record
}

type entryKey struct{}

// Keep returns a context with a new journal for the run of a job. Nothing is
// noted before About says of whom.
func Keep(ctx context.Context, job int64) (context.Context, *Journal) {
	j := &Journal{job: job}
	return context.WithValue(ctx, entryKey{}, entry{journal: j}), j
}

// About returns a context in which steps are about a record. With the zero
// Record they are about nobody, and are not noted.
func About(ctx context.Context, r Record) context.Context {
	e, ok := ctx.Value(entryKey{}).(entry)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, entryKey{}, entry{e.journal, r})
}

// Note adds a step to the journal of the context, if it has one and knows of
// whom. At is now where it is zero.
func Note(ctx context.Context, s Step) {
	e, ok := ctx.Value(entryKey{}).(entry)
	if !ok || e.record == (Record{}) {
		return
	}
	if s.At.IsZero() {
		s.At = time.Now()
	}
	s.Record, s.Job = e.record, e.journal.job
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	e.journal.steps, e.journal.about = append(e.journal.steps, s), s.Record
}

// Noted takes the steps out of the journal of the context, for a commit in
// the middle of a run: what is not committed when the process ends is lost.
func Noted(ctx context.Context) []Step {
	e, ok := ctx.Value(entryKey{}).(entry)
	if !ok {
		return nil
	}
	return e.journal.Take()
}

// Take takes the steps out of the journal.
func (j *Journal) Take() []Step {
	j.mu.Lock()
	defer j.mu.Unlock()
	steps := slices.Clip(j.steps)
	j.steps, j.taken = nil, j.taken || len(steps) > 0
	return steps
}

// Left takes what is left at the end of the run. about is the record of the
// latest step, and whole says that no steps were taken before.
func (j *Journal) Left() (steps []Step, about Record, whole bool) {
	whole = !j.taken
	steps = j.Take()
	return steps, j.about, whole
}
