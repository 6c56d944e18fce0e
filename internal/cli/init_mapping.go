package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dealbell/dealbell/internal/setup"
)

// show tells how a database is mapped, and lets a person correct it.
func (r *initRun) show(role setup.Role) error {
	s, used := r.answers.Databases[role]
	switch {
	case !used:
		return nil
	case slices.Contains(r.toCreate, role):
		fmt.Fprintf(r.Stderr, "   %s will be made on the page %q, with the standard properties.\n", role.Title(), oneLine(titleOf(r.parent)))
		return nil
	}
	all := setup.Slots(role)
	for {
		fmt.Fprintf(r.Stderr, "   %s is %q:\n", role.Title(), oneLine(s.Name))
		w := tabwriter.NewWriter(r.Stderr, 0, 4, 2, ' ', 0)
		for i, slot := range all {
			part := slot.Name()
			if slot.Of() != "" {
				part = "  " + part
			}
			fmt.Fprintf(w, "     %d\t%s\t%s\n", i+1, part, r.taker(slot))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if !r.asking() {
			return nil
		}
		done := false
		if err := r.ask.ask("   Enter if that is right, or the number of a line to correct", "", "right", func(answer string) error {
			if done = answer == ""; done {
				return nil
			}
			i, err := number(answer, len(all))
			if err != nil {
				return err
			}
			return r.correct(all[i])
		}); err != nil || done {
			return err
		}
	}
}

// taker is what takes a slot, with its type.
func (r *initRun) taker(slot setup.Slot) string {
	name := r.answers.Mapping[slot]
	p, ok := r.answers.Databases[slot.Role()].Property(name)
	switch {
	case name == "":
		return "–\t"
	case slot.Of() != "" || !ok:
		return oneLine(name) + "\toption"
	}
	return oneLine(name) + "\t" + strings.ReplaceAll(string(p.Kind), "_", " ")
}

// correct asks what takes a slot instead.
func (r *initRun) correct(slot setup.Slot) error {
	s := r.answers.Databases[slot.Role()]
	choices := setup.Choices(slot, s, r.answers.Mapping)
	for i, name := range choices {
		fmt.Fprintf(r.Stderr, "       %d  %s\n", i+1, oneLine(name))
	}
	leave := len(choices) + 1
	if slot != setup.SlotEmail {
		fmt.Fprintf(r.Stderr, "       %d  none\n", leave)
	}
	return r.ask.ask("     "+slot.Name()+" is", r.answers.Mapping[slot], cmp.Or(oneLine(r.answers.Mapping[slot]), none), func(answer string) error {
		if answer == fmt.Sprint(leave) && slot != setup.SlotEmail {
			answer = ""
		} else if i, err := number(answer, len(choices)); err == nil {
			answer = choices[i]
		}
		return r.answers.Mapping.Set(slot, answer, s)
	})
}
