package poll

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	eventsByRun = 500
	// contentWait lets the events of many rows that come and go become one
	// read: those of the pages themselves are looked into at once.
	contentWait = 15 * time.Second
)

// notice is what an event says, as far as it matters here
// (https://developers.notion.com/reference/webhooks-events-delivery). All of
// it is a hint: versions of the payload differ in what they tell.
type notice struct {
	Type    string `json:"type"`
	Authors []struct {
		ID string `json:"id"`
	} `json:"authors"`
	Entity struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"entity"`
	Data struct {
		Parent struct {
			ID         string `json:"id"`
			Type       string `json:"type"`
			DataSource string `json:"data_source_id"`
		} `json:"parent"`
	} `json:"data"`
}

// Events turns webhook events into clues and jobs.
func (s *Service) Events(ctx context.Context, _ crm.Job) (crm.Commit, error) {
	events, err := s.o.State.Events(ctx, eventsByRun)
	if err != nil || len(events) == 0 {
		return crm.Commit{}, err
	}
	places, err := s.places(ctx)
	if err != nil {
		return crm.Commit{}, err
	}
	var commit crm.Commit
	for _, e := range events {
		if err := s.judge(ctx, e, places, &commit); err != nil {
			return crm.Commit{}, err
		}
		commit.Handled = append(commit.Handled, e.ID)
	}
	if len(events) == eventsByRun {
		commit.Jobs = append(commit.Jobs, EventJob())
	}
	return commit, nil
}

// judge adds to commit what follows from one event.
func (s *Service) judge(ctx context.Context, e crm.Event, places places, commit *crm.Commit) error {
	var n notice
	understood := json.Unmarshal(e.Body, &n) == nil
	if !understood || s.ours(n) {
		return nil // authentic and of a shape that nobody knows yet, or the echo of our own write
	}
	switch subject, what, _ := strings.Cut(n.Type, "."); {
	case subject == "page" && n.Entity.ID != "":
		return s.judgePage(ctx, n, e.At, places, commit)
	case subject != "data_source" && subject != "database":
	case what == "schema_updated":
		if database, ok := places.of(n.Entity.ID); ok {
			commit.Jobs = append(commit.Jobs, job(KindSchema, crm.Sync, database, time.Time{}))
		}
	case what == "content_updated":
		if database, ok := places.of(n.Entity.ID); ok {
			commit.Jobs = append(commit.Jobs, Job(database, time.Now().Add(contentWait)))
		}
	}
	return nil
}

// judgePage asks for a look at the page, unless it is known as it was after
// the event, or the event tells that it is none of ours.
func (s *Service) judgePage(ctx context.Context, n notice, at time.Time, places places, commit *crm.Commit) error {
	clue := crm.Clue{Page: crm.NormalID(n.Entity.ID), At: at, By: crm.SeenWebhook}
	known, found, err := s.o.State.Snapshot(ctx, clue.Page)
	if err != nil || found && places.overtaken(n.Type, at, known) {
		return err
	}
	parent := n.Data.Parent
	database, ours := places.of(cmp.Or(parent.DataSource, parent.ID))
	if !ours {
		database, ours = known.Database, found
	}
	if !ours && places.elsewhere(parent.Type, parent.DataSource) {
		return nil
	}
	clue.Database = database
	commit.Clues = append(commit.Clues, clue)
	return nil
}

// ours reports whether only Dealbell itself did what the event tells.
func (s *Service) ours(n notice) bool {
	bot := s.bot.Load()
	if bot == nil || *bot == "" || len(n.Authors) == 0 {
		return false
	}
	for _, a := range n.Authors {
		if crm.NormalID(a.ID) != *bot {
			return false
		}
	}
	return true
}

// places knows the watched databases by each of their ids.
type places struct {
	byID map[string]string
	// vague is set when a database is configured by its data source's id, so
	// that an event that names only a database tells nothing.
	vague  bool
	polled map[string]time.Time // when the latest complete read of a database began
}

func (s *Service) places(ctx context.Context) (places, error) {
	p := places{byID: map[string]string{}, polled: map[string]time.Time{}}
	for id := range s.watch {
		read, err := s.o.State.Read(ctx, id)
		if err != nil {
			return p, err
		}
		p.byID[id], p.polled[id] = id, read.PolledAt
		schema, found, err := s.o.State.Schema(ctx, id)
		if err != nil {
			return p, err
		}
		if found {
			p.byID[crm.NormalID(schema.DataSource)] = id
			p.vague = p.vague || crm.NormalID(schema.DataSource) == id
		}
	}
	return p, nil
}

func (p places) of(id string) (database string, ok bool) {
	database, ok = p.byID[crm.NormalID(id)]
	return database, ok && id != ""
}

// overtaken reports whether an edit is known already, as of those of which
// Notion tells late: the page is known with a later one, or one of the same
// minute, which was over when the database was read.
func (p places) overtaken(event string, at time.Time, known crm.Snapshot) bool {
	switch minute := at.Truncate(time.Minute); {
	case event != "page.properties_updated" && event != "page.content_updated" && event != "page.created", known.Trashed:
		return false // it may be gone, which is no edit
	case known.EditedAt.Equal(minute):
		polled := p.polled[known.Database]
		return polled.After(at.Add(overlap)) && !polled.After(time.Now())
	default:
		return known.EditedAt.After(minute)
	}
}

// elsewhere reports whether an event tells that its page is in no watched
// database, when nothing else does.
func (p places) elsewhere(parentType, dataSource string) bool {
	switch parentType {
	case "database":
		return dataSource != "" || !p.vague
	case "data_source", "data_source_id", "page", "block":
		return true
	}
	return dataSource != "" // "space" stands in documented events of rows, too
}
