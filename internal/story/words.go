package story

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/crm"
)

// longest is how much of a value a line shows, in bytes.
const longest = 60

func cut(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= longest {
		return s
	}
	n := longest
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " ") + "…"
}

// short is enough of an id to tell it from the record's others.
func short(id string) string { return id[:min(8, len(id))] }

func page(id string) string { return "page " + short(id) }

// list makes a sentence of words that are separated by spaces.
func list(words string) string { return strings.Join(strings.Fields(words), ", ") }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// change says what changed.
func (t *teller) change(c crm.Change) string {
	name := c.Property
	if p, ok := t.schema(c.Database).PropertyByID(c.Property); ok {
		name = p.Name
	}
	old, now := cut(t.value(c.Old)), cut(t.value(c.New))
	switch {
	case c.New.Blank():
		return name + ": " + old + " → (empty)"
	case c.Old.Blank():
		return name + " → " + now
	}
	return name + ": " + old + " → " + now
}

// value shows a value: people by their names, pages by the beginning of their
// ids.
func (t *teller) value(v crm.Value) string {
	var names []string
	for _, id := range v.IDs {
		switch v.Kind {
		case crm.KindPeople:
			names = append(names, t.person(id))
		case crm.KindRelation:
			names = append(names, page(id))
		}
	}
	if len(names) > 0 {
		return strings.Join(names, ", ")
	}
	return v.String()
}

func messageText(m crm.Message) string {
	text := map[crm.MessageState]string{
		crm.MessageQueued: "waits to go to ", crm.MessageSending: "goes to ", crm.MessageSent: "is sent to ",
		crm.MessageMaybe: "may have been sent to ", crm.MessageRefused: "is refused by ",
	}[m.State] + m.Channel
	if m.With != 0 {
		text += ", in one message with others"
	}
	if m.Reason != "" {
		text += ": " + m.Reason
	}
	return "of " + m.Rule + " " + text
}

// endpoints are short words for what is asked of Notion.
var endpoints = map[string]string{
	"POST pages": "create", "GET pages/{id}": "read", "PATCH pages/{id}": "update", "POST data_sources/{id}/query": "query",
	"GET blocks/{id}/children": "content", "PATCH blocks/{id}/children": "append", "GET pages/{id}/properties/{id}": "list",
}
