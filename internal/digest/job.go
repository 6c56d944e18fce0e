package digest

import (
	"encoding/json"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// KindMake is the kind of job that makes a digest.
const KindMake = "digest.make"

// slotLayout is that of slots, the times on the wall that digests are for.
// What does not look so, as "by hand …", was asked for by a person.
const slotLayout = "2006-01-02T15:04"

// payload is what a job says.
type payload struct {
	Name string `json:"name"`
	Slot string `json:"slot"`
	Due  int64  `json:"due,omitempty"` // Unix time: the slot's zone is the schedule's business; 0 for by hand
	Dry  bool   `json:"dry,omitempty"`
}

// Job returns the job that makes a digest for a slot, which was due at some
// time, and sends it; the zero time stands for now.
func Job(name, slot string, due time.Time) crm.Job {
	p := payload{Name: name, Slot: slot}
	if !due.IsZero() {
		p.Due = due.Unix()
	}
	return p.job()
}

// DryJob returns the job that makes a digest as a draft, which is never sent.
func DryJob(name, slot string) crm.Job {
	return payload{Name: name, Slot: slot, Dry: true}.job()
}

func (p payload) job() crm.Job {
	text, _ := json.Marshal(p) // texts and a yes or no
	unique := p.Name + " " + p.Slot
	if p.Dry {
		unique += " draft"
	}
	return crm.Job{Kind: KindMake, Lane: crm.Notify, Key: KindMake + " " + unique, Unique: unique, Payload: text}
}

// asked reports whether a person waits for the digest.
func (p payload) asked() bool {
	_, err := time.Parse(slotLayout, p.Slot)
	return p.Dry || err != nil
}

// onWeekend reports whether the slot is a Saturday or a Sunday.
func (p payload) onWeekend() bool {
	wall, err := time.Parse(slotLayout, p.Slot)
	return err == nil && (wall.Weekday() == time.Saturday || wall.Weekday() == time.Sunday)
}

// late reports whether the digest should have been made so long ago that
// there is no use in it any more.
func (p payload) late(job crm.Job) bool {
	due := job.CreatedAt
	if p.Due != 0 {
		due = time.Unix(p.Due, 0)
	}
	return !due.IsZero() && time.Since(due) > tooLate
}

// message returns a message of the digest.
func (p payload) message(channel, text string) crm.Message {
	m := crm.Message{Channel: channel, Rule: p.Name, Slot: p.Slot, Text: text, Repeat: true}
	if p.Dry {
		m.State = crm.MessageDraft
	}
	return m
}
