package demo

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// regulars fill in the form of the page, one after the other.
func regulars() []sandbox.Lead {
	return []sandbox.Lead{
		{Name: "Ana Silva", Email: "ana@silva-boats.example", Company: "Silva Boats", Message: "Two rowing boats for our school, please."},
		{Name: "Ana Silva", Email: "Ana@Silva-Boats.example", Company: "", Message: "I forgot: with oars."},
		{Name: "Jonas Weber", Email: "jonas@weber-charter.example", Company: "Weber Charter", Message: "What does a refit of a cutter cost?"},
		{Name: "Mei Tanaka", Email: "mei@tanaka-ferries.example", Company: "Tanaka Ferries", Message: "Could we visit your yard in May?"},
		{Name: "Lucas Moreau", Email: "lucas@moreau-sails.example", Company: "Moreau Sails", Message: "We would like to sell your dinghies."},
	}
}

// newcomers makes up visitors who were never seen before.
func (c *company) newcomers(n int) []sandbox.Lead {
	first := strings.Fields("Alma Bruno Clara Dario Edith Farid Greta Hugo Iris Jamal Kira Leon Mina Nils Olga Pavel Rosa Sven Tara Umar Vera Wim Yara Zeno")
	last := strings.Fields("Berg Costa Dahl Evans Fontaine Garcia Holm Ivanova Jensen Kato Lopez Meyer Novak Okafor Petrov Quist Rossi Sato Torres Ueda Vogel Walsh")
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	var out []sandbox.Lead
	for range n {
		i := c.invited
		c.invited++
		given, family := first[i%len(first)], last[(i*7+i/len(first))%len(last)]
		out = append(out, sandbox.Lead{
			Name: given + " " + family, Email: fmt.Sprintf("%s.%s%d@visitors.example", strings.ToLower(given), strings.ToLower(family), i+1),
			Company: family + " & Co", Message: fmt.Sprintf("Letter %d: please call me back.", i+1), Source: "website",
		})
	}
	return out
}

// visit sends leads, all at once, and counts those that were taken, and those
// that Dealbell recognised as the same.
func (c *company) visit(ctx context.Context, leads []sandbox.Lead) (taken, repeats int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, lead := range leads {
		all.Go(func() {
			a, err := c.crowd.Send(ctx, lead)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if c.ledger.heard(lead, a, false) {
				taken++
			} else {
				repeats++
			}
		})
	}
	all.Wait()
	return taken, repeats
}

// heard counts a lead of the form, and tells of it.
func (c *company) heard(lead sandbox.Lead, a sandbox.Acceptance) {
	if c.ledger.heard(lead, a, true) {
		c.journal.say(sandbox.Plain, "%s's lead was accepted: it was on disk before the answer.", lead.Name)
	} else {
		c.journal.say(sandbox.Good, "%s sent the same message again: recognised, nothing is added.", lead.Name)
	}
}
