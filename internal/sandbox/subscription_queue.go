package sandbox

import (
	"slices"
	"time"
)

// event is an event on its way to a subscriber.
type event struct {
	id         string
	number     int // of the subscription, to keep the order of equal times
	kind       string
	entity     reference
	parent     parent
	at         time.Time // of the latest change in it
	authors    []reference
	was, is    life
	properties []string
	blocks     []reference
	schema     []schemaEntry
	closes     time.Time // until when changes join it
	due        time.Time
	attempt    int // made so far
	dropped    bool
	again      bool // to be sent twice
	duplicate  bool
}

// reorderSpan is how long a reordered event is held back at most.
const reorderSpan = 30 * time.Second

// hear turns an occurrence into an event, or into a part of one that still
// waits. The lock is held by the caller.
func (s *Subscription) hear(o occurrence) {
	if !s.active {
		return
	}
	if e := s.open(o); e != nil {
		e.join(s.w, o)
		e.parent = s.parentOf(o) // the page may have moved on
		if e.was == absentPage && e.is == trashedPage {
			s.forget(e.entity.ID)
		}
		return
	}
	e := s.newEvent(s.typeOf(o), s.entityOf(o), s.parentOf(o), o.at)
	e.was, e.is = o.was, o.is
	e.join(s.w, o)
	if o.kind != pageLocked && o.kind != pageUnlocked { // those two are not aggregated
		e.closes = o.at.Add(s.opts.Plan.Aggregate)
	}
	e.due = e.closes.Add(s.between(s.opts.Plan.Delay))
	e.dropped = s.chance(s.opts.Plan.Drop)
	e.again = s.chance(s.opts.Plan.Duplicate)
	if s.chance(s.opts.Plan.Reorder) {
		e.due = e.due.Add(s.between(Span{time.Second, reorderSpan}))
	}
	s.pending = append(s.pending, e)
	s.nudge()
}

func (s *Subscription) newEvent(kind string, entity reference, in parent, at time.Time) *event {
	s.events++
	return &event{
		id: derivedID("event "+s.id, s.events), number: s.events,
		kind: kind, entity: entity, parent: in, at: at, closes: at, due: at,
	}
}

// open finds the event that an occurrence still belongs to.
func (s *Subscription) open(o occurrence) *event {
	entity := s.entityOf(o)
	for _, e := range s.pending {
		if e.kind == s.typeOf(o) && e.entity == entity && e.attempt == 0 && o.at.Before(e.closes) {
			return e
		}
	}
	return nil
}

// forget drops what waits to be told of a page that came and went, but for
// that: it may come again.
func (s *Subscription) forget(pageID string) {
	s.pending = slices.DeleteFunc(s.pending, func(e *event) bool {
		return e.entity.ID == pageID && e.kind != "" && e.attempt == 0
	})
}

// join adds a change to an event.
func (e *event) join(w *Workspace, o occurrence) {
	e.at = o.at
	e.authors = union(e.authors, reference{o.by, w.authorType(o.by)})
	e.properties = union(e.properties, o.properties...)
	e.blocks = union(e.blocks, o.blocks...)
	for _, c := range o.schema {
		e.schema = append(e.schema, schemaEntry{c.prop.id, c.prop.name, c.action})
	}
	if o.kind == "" {
		e.is = o.is
	}
}

func union[T comparable](have []T, more ...T) []T {
	for _, v := range more {
		if !slices.Contains(have, v) {
			have = append(have, v)
		}
	}
	return have
}

func (w *Workspace) authorType(id string) string {
	if id == w.bot.id {
		return "bot"
	}
	return "person"
}

func (s *Subscription) chance(p float64) bool { return s.rng.Float64() < p }

func (s *Subscription) between(d Span) time.Duration {
	if d.Max <= d.Min {
		return d.Min
	}
	return d.Min + time.Duration(s.rng.Int64N(int64(d.Max-d.Min)))
}

func (s *Subscription) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
