package setup

import (
	"cmp"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
)

// Candidate is a database that may have a role.
type Candidate struct {
	crm.Schema
	Named bool // its name says so, or those of its stages (won and lost), and not its shape alone
	score int
}

// The weight of a name against the shape: among databases that are called
// alike the shape decides.
const nameWeight = 20

// Candidates lists the databases that may have a role, the likeliest first.
func Candidates(role Role, all []crm.Schema) []Candidate {
	var found []Candidate
	for _, s := range all {
		c := Candidate{Schema: s}
		name := closeness(s.Name, roleWords[role])
		shape, possible := shapes[role](s)
		if !possible {
			continue
		}
		c.Named, c.score = name > 0, name*nameWeight+shape
		if role == Deals {
			mapping := Propose(Deals, s)
			c.Named = c.Named || mapping[SlotWon] != "" && mapping[SlotLost] != ""
		}
		found = append(found, c)
	}
	slices.SortStableFunc(found, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Database, b.Database))
	})
	return found
}

var roleWords = map[Role]string{Contacts: contactsWords, Deals: dealsWords, Activities: activitiesWords}

// shapes say how much a database looks like those of a role, and whether it
// can have it at all.
var shapes = map[Role]func(crm.Schema) (score int, possible bool){
	Contacts: func(s crm.Schema) (int, bool) {
		email := Propose(Contacts, s)[SlotEmail]
		if email == "" {
			return 0, false
		}
		score := fitting(Contacts, s)
		if p, _ := s.Property(email); p.Kind == crm.KindEmail {
			score += 10
		}
		return score, true
	},
	Deals: func(s crm.Schema) (int, bool) {
		stages, numbers, people := count(s, stageKinds), count(s, []crm.Kind{crm.KindNumber}), count(s, []crm.Kind{crm.KindPeople})
		mapping := Propose(Deals, s)
		score := fitting(Deals, s) + 3*min(numbers, 1) + 3*min(people, 1)
		for _, slot := range []Slot{SlotWon, SlotLost, SlotNegotiation} {
			if mapping[slot] != "" {
				score += 4
			}
		}
		named := closeness(s.Name, dealsWords) > 0
		return score, stages > 0 && (named || mapping[SlotWon] != "" || numbers > 0 && people > 0)
	},
	Activities: func(s crm.Schema) (int, bool) {
		mapping := Propose(Activities, s)
		relations, texts := count(s, []crm.Kind{crm.KindRelation}), count(s, []crm.Kind{crm.KindText})
		score := fitting(Activities, s)
		if mapping[SlotDealbellID] != "" {
			score += nameWeight
		}
		return score, relations > 0 && texts > 0 && count(s, []crm.Kind{crm.KindEmail}) == 0
	},
}

// fitting counts the properties of a role that a database has.
func fitting(role Role, s crm.Schema) int {
	mapping, n := Propose(role, s), 0
	for _, d := range slots[role] {
		if d.of == "" && mapping[d.slot] != "" {
			n++
		}
	}
	return n
}

func count(s crm.Schema, kinds []crm.Kind) int {
	n := 0
	for _, p := range s.Properties {
		if has(kinds, p.Kind) {
			n++
		}
	}
	return n
}
