// Package digest answers scheduled questions from the local replica, such as
// which leads nobody has touched for a month.
//
// It owns which rows a digest names and what it says. It promises to answer
// when Notion is down, too, and to say then how old the answer is; and to say
// nothing when there is nothing to say. When it is due is the schedule's
// business, and how its text reaches Slack the outbox's.
package digest

import (
	"github.com/dealbell/dealbell/internal/rules"
)

// Spec is one digest as the operator writes it.
type Spec struct {
	Schedule string     `yaml:"schedule"` // such as 09:00, weekdays 09:00, or five cron fields
	Database string     `yaml:"database"` // name of a configured database
	Filter   string     `yaml:"filter"`   // condition on a row; "" takes all
	Sort     rules.List `yaml:"sort"`     // properties; -Value is descending, A ?? B is B where A is blank, created() the page's creation
	Limit    int        `yaml:"limit"`    // rows named at most
	Text     string     `yaml:"text"`     // template of the head
	Line     string     `yaml:"line"`     // template of a row
	Empty    string     `yaml:"empty"`    // said when no row is kept; "" says nothing
	Channel  string     `yaml:"channel"`
	Owner    string     `yaml:"owner"`    // people property: each owner gets the own rows as a direct message
	Weekends *bool      `yaml:"weekends"` // whether slots on Saturday and Sunday count; default true
	Off      *bool      `yaml:"off"`
	// Stage, Value and StuckDays make it a pipeline: rows and value by stage,
	// what moved in a week, and what did not move for so many days.
	Stage     string     `yaml:"stage"`
	Value     string     `yaml:"value"`
	StuckDays int        `yaml:"stuck_days"`
	Closed    rules.List `yaml:"closed"` // stages in which a row is neither open nor stuck
}

// Over puts the fields that s sets over those of base.
func (s Spec) Over(base Spec) Spec {
	for _, f := range []struct {
		target *string
		value  string
	}{
		{&base.Schedule, s.Schedule},
		{&base.Database, s.Database},
		{&base.Filter, s.Filter},
		{&base.Text, s.Text},
		{&base.Line, s.Line},
		{&base.Empty, s.Empty},
		{&base.Channel, s.Channel},
		{&base.Owner, s.Owner},
		{&base.Stage, s.Stage},
		{&base.Value, s.Value},
	} {
		if f.value != "" {
			*f.target = f.value
		}
	}
	if len(s.Sort) > 0 {
		base.Sort = s.Sort
	}
	if len(s.Closed) > 0 {
		base.Closed = s.Closed
	}
	if s.Limit != 0 {
		base.Limit = s.Limit
	}
	if s.StuckDays != 0 {
		base.StuckDays = s.StuckDays
	}
	if s.Weekends != nil {
		base.Weekends = s.Weekends
	}
	if s.Off != nil {
		base.Off = s.Off
	}
	return base
}
