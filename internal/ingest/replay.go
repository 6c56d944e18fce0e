package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// Kept are the deliveries that went no further, or are done.
type Kept interface {
	Admit(ctx context.Context, id string, j crm.Job) error
	Discard(ctx context.Context, id string) error
	Release(ctx context.Context, id string, in store.Intake) (store.Receipt, error)
	Reopen(ctx context.Context, id string, j crm.Job) error
}

// Replay lets deliveries go on at a person's word.
type Replay struct {
	Kept  Kept
	Forms []Form
}

// FormError means that a delivery came by a form that is there no longer.
type FormError struct{ Delivery, Form string }

// Error implements error.
func (e *FormError) Error() string {
	return fmt.Sprintf("replay %s: it came by the form %q, which is no longer configured", e.Delivery, e.Form)
}

// DoubtError means that a rejected delivery is still not believed.
type DoubtError struct {
	Delivery, Form string
	Unsigned       bool // the form's sender signs nothing that could be checked again
	Reason         error
}

// Error implements error.
func (e *DoubtError) Error() string { return fmt.Sprintf("replay %s: %v", e.Delivery, e.Reason) }

// Unwrap returns the reason.
func (e *DoubtError) Unwrap() error { return e.Reason }

func (r Replay) form(delivery, name string) (Form, error) {
	i := slices.IndexFunc(r.Forms, func(f Form) bool { return f.Name == name })
	if i < 0 {
		return Form{}, &FormError{delivery, name}
	}
	return r.Forms[i], nil
}

// Admit lets a held delivery go on.
func (r Replay) Admit(ctx context.Context, d crm.Delivery) error {
	f, err := r.form(d.ID, d.Source)
	if err != nil {
		return err
	}
	return r.Kept.Admit(ctx, d.ID, f.Job(d.ID, d.Key))
}

// Discard gives a held delivery up.
func (r Replay) Discard(ctx context.Context, id string) error { return r.Kept.Discard(ctx, id) }

// Release believes a rejected delivery after all: its signature is right by
// now, or force says so. Its timestamp is compared with the time at which it
// came, so that what was a replay then is one now.
func (r Replay) Release(ctx context.Context, q store.Rejected, force bool) error {
	f, err := r.form(q.ID, q.Source)
	if err != nil {
		return err
	}
	sent := http.Header{}
	for name, value := range q.Headers {
		sent.Set(name, value)
	}
	if _, err := f.Verify(sent, nil, q.Body, q.ReceivedAt); err != nil && !force {
		return &DoubtError{q.ID, q.Source, len(f.Scheme.Headers()) == 0, err}
	}
	in, _, err := f.Intake(q.ID, sent, q.ContentType, q.Body)
	if err != nil {
		return fmt.Errorf("replay %s: %w", q.ID, err)
	}
	receipt, err := r.Kept.Release(ctx, q.ID, in)
	if err == nil && receipt.Verdict == store.KeyReused {
		return fmt.Errorf("replay %s: %s was accepted with the same id or Idempotency-Key, and another body", q.ID, receipt.ID)
	}
	return err
}

// Reopen works a delivery in again that was accepted before.
func (r Replay) Reopen(ctx context.Context, d crm.Delivery) error {
	f, err := r.form(d.ID, d.Source)
	if err != nil {
		return err
	}
	err = r.Kept.Reopen(ctx, d.ID, f.Job(d.ID, d.Key))
	if errors.Is(err, store.ErrNotFound) {
		return crm.WithHint(fmt.Errorf("delivery %s is in the queue already", d.ID), "dealbell jobs list")
	}
	return err
}
