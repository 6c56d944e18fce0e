package crm

import (
	"errors"
	"time"
)

// The kinds of failure that decide what happens next. Adapters wrap one of
// them; services ask with errors.Is and never look at status codes or texts.
var (
	// ErrNotFound means that there is no such thing, or it is not shared with Dealbell.
	ErrNotFound = errors.New("not found")
	// ErrTrashed means that the page is in the trash and takes no writes.
	ErrTrashed = errors.New("in the trash")
	// ErrInvalid means that the other side refuses these values; the same request will
	// be refused again.
	ErrInvalid = errors.New("refused")
	// ErrForbidden means that the token is wrong, or lacks access or room. A person has
	// to act; until then asking again is useless.
	ErrForbidden = errors.New("not allowed")
	// ErrConflict means that somebody else saved the same thing at the same moment.
	ErrConflict = errors.New("conflict")
	// ErrUnavailable means that the other side did not do it, and may do it later.
	ErrUnavailable = errors.New("unavailable")
	// ErrAmbiguous means that nobody knows whether the write was done. Look before
	// repeating it.
	ErrAmbiguous = errors.New("outcome unknown")
)

// RetryAt returns the time from which a failed call may be repeated, when err
// knows it: some error in its chain has a method RetryAt.
func RetryAt(err error) (at time.Time, ok bool) {
	e, ok := errors.AsType[interface {
		error
		RetryAt() (time.Time, bool)
	}](err)
	if !ok {
		return time.Time{}, false
	}
	return e.RetryAt()
}

// CommittedID returns the id of what a failed create made all the same, when
// the other side said so: some error in its chain has a method CommittedID.
func CommittedID(err error) (id string, ok bool) {
	e, ok := errors.AsType[interface {
		error
		CommittedID() (string, bool)
	}](err)
	if !ok {
		return "", false
	}
	return e.CommittedID()
}

// later is the error of work whose time has not come.
type later struct {
	at  time.Time
	why string
}

// Later returns an error that asks to be called again at a given time,
// without counting as a failed try.
func Later(at time.Time, why string) error { return later{at, why} }

func (l later) Error() string              { return l.why }
func (l later) RetryAt() (time.Time, bool) { return l.at, true }
func (l later) Is(target error) bool       { return target == ErrUnavailable }

// hinted is an error with the operator's next step.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }
func (h hinted) Hint() string  { return h.hint }

// WithHint adds the operator's next step to an error; the text stays as it is.
func WithHint(err error, hint string) error { return hinted{err, hint} }

// Hint returns the next step that some error in the chain of err knows: it
// has a method Hint.
func Hint(err error) (hint string, ok bool) {
	e, ok := errors.AsType[interface {
		error
		Hint() string
	}](err)
	if !ok {
		return "", false
	}
	hint = e.Hint()
	return hint, hint != ""
}
