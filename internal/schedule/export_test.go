package schedule

import (
	"iter"
	"time"
)

// After lets tests see all slots that are due at the same instant.
func (s *Spec) After(t time.Time) iter.Seq[Slot] { return s.after(t) }
