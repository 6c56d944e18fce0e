package sandbox

import (
	"encoding/json"
	"strings"
	"time"
)

// payload is the body of an event, with its keys in Notion's order.
type payload struct {
	ID             string      `json:"id"`
	Timestamp      string      `json:"timestamp"`
	WorkspaceID    string      `json:"workspace_id"`
	WorkspaceName  string      `json:"workspace_name"`
	SubscriptionID string      `json:"subscription_id"`
	IntegrationID  string      `json:"integration_id"`
	Authors        []reference `json:"authors"`
	AttemptNumber  int         `json:"attempt_number"`
	APIVersion     string      `json:"api_version"`
	Entity         reference   `json:"entity"`
	Type           string      `json:"type"`
	Data           payloadData `json:"data"`
}

type payloadData struct {
	Blocks     []reference `json:"updated_blocks,omitzero"`
	Parent     parent      `json:"parent"`
	Properties any         `json:"updated_properties,omitempty"` // ids, or entries of a schema
}

type reference struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

type parent struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	DataSourceID string `json:"data_source_id,omitempty"`
}

type schemaEntry struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	Action schemaAction `json:"action"`
}

// eventTime is how payloads show when something happened.
func eventTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// payload writes the body for one attempt.
func (s *Subscription) payload(e *event, attempt int) []byte {
	p := payload{
		ID: e.id, Timestamp: eventTime(e.at),
		WorkspaceID: s.w.spaceID, WorkspaceName: workspaceName,
		SubscriptionID: s.id, IntegrationID: s.w.bot.id,
		Authors: e.authors, AttemptNumber: attempt, APIVersion: s.opts.Version,
		Entity: e.entity, Type: e.kind, Data: payloadData{Parent: e.parent},
	}
	switch e.kind {
	case pageProperties:
		p.Data.Properties = e.properties
	case pageContent:
		p.Data.Blocks = e.blocks
	case schemaUpdated, schemaUpdated2:
		p.Data.Properties = e.schema
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic("sandbox: encode event: " + err.Error()) // it is made of strings
	}
	return b
}

func (s *Subscription) old() bool { return s.opts.Version == version2022 }

// typeOf is "" for a change between lives, which gets its name when it is sent.
func (s *Subscription) typeOf(o occurrence) string {
	if o.kind == schemaUpdated && s.old() {
		return schemaUpdated2
	}
	return o.kind
}

func (s *Subscription) entityOf(o occurrence) reference {
	switch {
	case o.page != nil:
		return reference{o.page.id, "page"}
	case s.old():
		return reference{o.source.db.id, "database"}
	default:
		return reference{o.source.id, "data_source"}
	}
}

func (s *Subscription) parentOf(o occurrence) parent {
	if o.page == nil {
		return parent{ID: o.source.db.parent, Type: "page"}
	}
	return s.rowParent(o.page.source)
}

// rowParent names the data source only since there are some.
func (s *Subscription) rowParent(ds *dataSource) parent {
	out := parent{ID: ds.db.id, Type: "database"}
	if !s.old() {
		out.DataSourceID = ds.id
	}
	return out
}

// Event makes the body of an event of any type, known to Notion or not, as if
// the first person had just caused it. The id is that of a page, or of anything
// else: then the entity's type is the part of the event type before the dot.
// Request turns the body into a request.
func (s *Subscription) Event(eventType, id string) []byte {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	kind, _, _ := strings.Cut(eventType, ".")
	e := s.newEvent(eventType, reference{id, kind}, parent{ID: s.w.spaceID, Type: "space"}, time.Now())
	e.authors = []reference{{s.w.people[0].id, "person"}}
	e.blocks, e.properties, e.schema = []reference{}, []string{}, []schemaEntry{}
	dashedID, _ := parseID(id)
	if p := s.w.pages[dashedID]; p != nil {
		e.entity.ID, e.parent = p.id, s.rowParent(p.source)
		for _, prop := range p.source.props {
			e.properties = append(e.properties, prop.id)
		}
	}
	return s.payload(e, 1)
}
