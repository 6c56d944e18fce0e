package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Notion is what making databases needs of the client.
type Notion interface {
	Schema(ctx context.Context, database string) (crm.Schema, error)
	DatabasesOn(ctx context.Context, page string) ([]crm.Schema, error)
	CreateDatabase(ctx context.Context, page, name string, properties []crm.Property, relations map[string]string) (crm.Schema, error)
}

// Standard returns the properties of a role's database in a standard CRM.
// Status and Stage are of type select: every version of Notion's API makes
// those, with the options that the rules know.
func Standard(role Role) []crm.Property {
	return slices.Clone(standard[role])
}

var standard = map[Role][]crm.Property{
	Contacts: {
		{Name: "Name", Kind: crm.KindTitle},
		{Name: "Email", Kind: crm.KindEmail},
		{Name: "Company", Kind: crm.KindText},
		{Name: "Status", Kind: crm.KindSelect, Options: []string{"New lead", "Contacted", "Qualified", "Customer"}},
		{Name: "Source", Kind: crm.KindSelect, Options: []string{"Website", "Referral"}},
		{Name: "Last Contacted", Kind: crm.KindDate},
		{Name: "Notes", Kind: crm.KindText},
	},
	Deals: {
		{Name: "Deal Name", Kind: crm.KindTitle},
		{Name: "Stage", Kind: crm.KindSelect, Options: []string{"Lead", "Negotiation", "Won", "Lost"}},
		{Name: "Value", Kind: crm.KindNumber},
		{Name: "Owner", Kind: crm.KindPeople},
		{Name: "Contact", Kind: crm.KindRelation},
	},
	Activities: {
		{Name: "Name", Kind: crm.KindTitle},
		{Name: "Type", Kind: crm.KindSelect, Options: []string{"Form"}},
		{Name: "At", Kind: crm.KindDate},
		{Name: "Details", Kind: crm.KindText},
		{Name: "Contact", Kind: crm.KindRelation},
		{Name: "Dealbell ID", Kind: crm.KindText},
	},
}

// lookAgain is how long after a lost answer it is looked whether the database
// is there.
const lookAgain = 3 * time.Second

// Ensure returns the standard database of a role on a page, and makes it when
// it is not there. contacts is the data source that its relations lead to.
// The page itself tells what is on it, which Notion's search learns late: so a
// second call, and one after a lost answer, finds what the first one made.
func Ensure(ctx context.Context, n Notion, page string, role Role, contacts string) (s crm.Schema, made bool, err error) {
	if s, ok, err := present(ctx, n, page, role); ok || err != nil {
		return s, false, err
	}
	relations := map[string]string{}
	for _, p := range standard[role] {
		if p.Kind == crm.KindRelation {
			relations[p.Name] = contacts
		}
	}
	created, err := n.CreateDatabase(ctx, page, role.Title(), Standard(role), relations)
	if id, ok := crm.CommittedID(err); ok {
		created, err = crm.Schema{Database: id}, nil
	}
	if errors.Is(err, crm.ErrAmbiguous) {
		return afterDoubt(ctx, n, page, role, err)
	}
	if err != nil {
		return crm.Schema{}, false, err
	}
	s, err = n.Schema(ctx, created.Database)
	return s, true, err
}

func afterDoubt(ctx context.Context, n Notion, page string, role Role, doubt error) (crm.Schema, bool, error) {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return crm.Schema{}, false, ctx.Err()
	case <-timer.C:
	}
	s, ok, err := present(ctx, n, page, role)
	if ok || err != nil {
		return s, true, err
	}
	return crm.Schema{}, false, crm.WithHint(fmt.Errorf("make %s: %w", role.Title(), doubt),
		"look at the page in Notion, and run dealbell init again: it uses a database that is there")
}

// present finds the standard database of a role on a page. One of that name
// with other properties is somebody's own.
func present(ctx context.Context, n Notion, page string, role Role) (crm.Schema, bool, error) {
	all, err := n.DatabasesOn(ctx, page)
	if err != nil {
		return crm.Schema{}, false, err
	}
	for _, found := range all {
		if !crm.SameName(found.Name, role.Title()) {
			continue
		}
		s, err := n.Schema(ctx, found.Database)
		if errors.Is(err, crm.ErrNotFound) || errors.Is(err, crm.ErrForbidden) {
			continue
		}
		if err != nil {
			return crm.Schema{}, false, err
		}
		if complete(role, s) {
			return s, true, nil
		}
	}
	return crm.Schema{}, false, nil
}

func complete(role Role, s crm.Schema) bool {
	return !slices.ContainsFunc(standard[role], func(want crm.Property) bool {
		have, ok := s.Property(want.Name)
		return !ok || have.Kind != want.Kind
	})
}
