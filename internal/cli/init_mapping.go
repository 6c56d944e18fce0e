package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/setup"
)

// show tells how a database is mapped, and lets a person correct it.
func (r *initRun) show(role setup.Role) error {
	s, used := r.answers.Databases[role]
	switch {
	case !used && r.asking():
		return nil
	case !used:
		r.showNone(role)
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

// showNone says that a role is nobody's, and which database could have it.
func (r *initRun) showNone(role setup.Role) {
	maybe := ""
	if all := r.candidates(role); len(all) > 0 {
		maybe = fmt.Sprintf("; %q looks like it: --%s %s", oneLine(all[0].Name), role, all[0].Database)
	}
	fmt.Fprintf(r.Stderr, "   %s: none%s\n", role.Title(), maybe)
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

// checkMap refuses corrections of what is not there.
func (r *initRun) checkMap() error {
	for _, line := range r.c.Map {
		slot, _, err := parseMap(line)
		if err != nil {
			return err
		}
		if role := slot.Role(); r.answers.Databases[role].Name == "" {
			return &usageError{fmt.Errorf("--map %s: there is no database of %s", line, role), "name one with --" + string(role)}
		}
	}
	return nil
}

func parseMap(line string) (setup.Slot, string, error) {
	part, name, ok := strings.Cut(line, "=")
	if !ok {
		return "", "", &usageError{fmt.Errorf("--map %s: there is no = in it", line), "write PART=NAME, such as contacts.Company=Firma"}
	}
	slot, err := setup.ParseSlot(strings.TrimSpace(part))
	if err != nil {
		return "", "", &usageError{fmt.Errorf("--map %s: %w", line, err), "write PART=NAME, such as contacts.Company=Firma"}
	}
	return slot, strings.TrimSpace(name), nil
}

// propose maps a database, with what the file says and the flags put over it.
func (r *initRun) propose(role setup.Role, s crm.Schema) error {
	m := setup.Propose(role, s)
	m.Keep(role, setup.Written(r.yaml), s)
	for _, line := range r.c.Map {
		slot, name, err := parseMap(line)
		if err != nil {
			return err
		}
		if slot.Role() != role {
			continue
		}
		if err := m.Set(slot, name, s); err != nil {
			hint, _ := crm.Hint(err)
			return &usageError{fmt.Errorf("--map: %w", err), hint}
		}
	}
	maps.Copy(r.answers.Mapping, m)
	r.answers.Databases[role] = s
	return nil
}
