package lead

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
)

// mark is how a note carries the id of its delivery: short enough to read,
// long enough (50 bits) to be found again.
func mark(delivery string) string { return "#" + delivery[:min(10, len(delivery))] }

// message is what a person wrote, and every field that no property is filled
// from, so that nothing of a form is dropped.
func (l lead) message() string {
	var text, rest []string
	for _, f := range l.Fields {
		property, mapped := l.form.about(f)
		switch {
		case f.Is("message"), mapped && crm.SameName(property, l.form.Message):
			text = append(text, f.Value)
		case !mapped && !l.typedBy(f), mapped && f.Value != l.text(property):
			rest = append(rest, f.Name+": "+f.Value)
		}
	}
	return strings.TrimSpace(strings.Join(text, "\n\n") + "\n\n" + strings.Join(rest, "\n"))
}

// typedBy reports whether the contact's address is what a field says.
func (l lead) typedBy(f form.Field) bool {
	email, err := crm.ParseEmail(f.Value)
	return err == nil && email.Typed == l.email.Typed
}

// notes are the paragraphs of all messages.
func (g *group) notes() []crm.Paragraph {
	var text []crm.Paragraph
	for _, l := range g.leads {
		if message := l.message(); message != "" {
			when := l.delivery.ReceivedAt.In(g.o.Zone).Format("2006-01-02 15:04 MST")
			text = append(text, crm.Paragraph{
				{Text: when + " · " + l.label() + " ", Bold: true}, {Text: mark(l.delivery.ID), Gray: true}, {Text: "\n" + message},
			})
		}
	}
	return text
}

// noting marks the deliveries whose message is about to be written, so that
// after a crash it is looked for first.
func (g *group) noting() crm.Commit {
	var c crm.Commit
	for _, l := range g.leads {
		if l.delivery.State == crm.DeliveryQueued {
			c.Progress = append(c.Progress, crm.Progress{Delivery: l.delivery.ID, State: crm.DeliveryNoting})
		}
	}
	return c
}

// notesOnPage reports whether messages belong on the contact's page, because
// there is no Activities database that could take them.
func (s *Service) notesOnPage(ctx context.Context) (bool, error) {
	if s.o.Activities == "" {
		return true, nil
	}
	schema, err := s.rows.Schema(ctx, s.o.Activities)
	if errors.Is(err, crm.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	id, ok := schema.Property(s.o.Mapping.Activity.ID)
	return !ok || id.Kind != crm.KindText, nil
}

// note writes the messages that are not on the page yet.
func (g *group) note(ctx context.Context, page string) error {
	present := ""
	for _, l := range g.leads {
		if l.delivery.State != crm.DeliveryNoting {
			continue
		}
		var err error
		if present, err = g.pageText(ctx, page); err != nil {
			return fmt.Errorf("read the contact's notes: %w", err)
		}
		break
	}
	var missing []crm.Paragraph
	for _, p := range g.notes() {
		if !strings.Contains(present, p[1].Text) {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	begin := g.noting()
	begin.Steps = crm.Noted(ctx)
	if err := g.o.State.Apply(ctx, begin); err != nil {
		return fmt.Errorf("store state of messages: %w", err)
	}
	for i := range g.leads {
		g.leads[i].delivery.State = crm.DeliveryNoting
	}
	if err := g.o.Notion.Append(ctx, page, missing); err != nil {
		return fmt.Errorf("add messages to contact: %w", err)
	}
	kept(ctx, page, g.messages(present)...)
	return nil
}

// messages lists the deliveries that say something that is not in a text.
func (g *group) messages(present string) (deliveries []string) {
	for _, l := range g.leads {
		if l.message() != "" && !strings.Contains(present, mark(l.delivery.ID)) {
			deliveries = append(deliveries, l.delivery.ID)
		}
	}
	return deliveries
}

// pageText reads all text of a page.
func (g *group) pageText(ctx context.Context, page string) (string, error) {
	var all strings.Builder
	for cursor := ""; ; {
		texts, next, err := g.o.Notion.Blocks(ctx, page, cursor)
		if err != nil {
			return "", err
		}
		for _, t := range texts {
			all.WriteString(t)
			all.WriteByte('\n')
		}
		if cursor = next; cursor == "" {
			return all.String(), nil
		}
	}
}
