package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/setup"
)

// What may be answered in the place of a database.
const (
	create = "create"
	none   = "none"
)

const shareHelp = "   To share one: open it in Notion as a full page, ••• at the top right, Connections,\n" +
	"   and add the connection. A page that is shared shares all that is on it. It may take\n" +
	"   Notion a minute to list what was shared just now.\n"

// look lists what is shared with the connection.
func (r *initRun) look() (err error) {
	r.found, err = r.notion.Databases(r.ctx)
	return err
}

var roleHelp = map[setup.Role]string{
	setup.Contacts:   "2. Contacts: the database that leads go to; it has a property for the email address",
	setup.Deals:      "3. Deals: a database whose stages ring in Slack, if you like",
	setup.Activities: "4. Activities: a database where each message becomes a row, if you like;\n   without it messages go onto the contact's page",
}

func (r *initRun) flag(role setup.Role) string {
	return map[setup.Role]string{setup.Contacts: r.c.Contacts, setup.Deals: r.c.Deals, setup.Activities: r.c.Activities}[role]
}

// database decides which database has a role, and maps it.
func (r *initRun) database(role setup.Role) error {
	if flag := r.flag(role); flag != "" {
		if err := r.choose(role, flag); err != nil {
			return fmt.Errorf("--%s: %w", role, err)
		}
		return r.show(role)
	}
	now, preset := r.present(role), r.preset(role)
	switch {
	case r.asking():
		if err := r.askDatabase(role, now, preset); err != nil {
			return err
		}
	case now != "":
		if err := r.choose(role, now); err != nil {
			return err
		}
	case preset == create && r.c.Parent == "": // so role is Contacts
		return crm.WithHint(fmt.Errorf("no database that is shared with the connection looks like %s", role.Title()),
			"share one with the connection in Notion (•••, Connections), or let dealbell init make one: --contacts create --parent PAGE")
	default:
		if err := r.choose(role, preset); err != nil {
			return err
		}
	}
	return r.show(role)
}

// present is the database that has the role now.
func (r *initRun) present(role setup.Role) string {
	return map[setup.Role]string{
		setup.Contacts: r.settings.Contacts.ID, setup.Deals: r.settings.Deals.ID, setup.Activities: r.settings.Activities.ID,
	}[role]
}

// candidates are the databases that may have a role and have no other.
func (r *initRun) candidates(role setup.Role) []setup.Candidate {
	return slices.DeleteFunc(setup.Candidates(role, r.found), func(c setup.Candidate) bool {
		for other, s := range r.answers.Databases {
			if other != role && s.Database == c.Database {
				return true
			}
		}
		return false
	})
}

// preset is what Enter means.
func (r *initRun) preset(role setup.Role) string {
	all := r.candidates(role)
	switch {
	case role != setup.Contacts && r.envWas.Get(setup.EnvContacts) != "": // somebody has decided
		return none
	case len(all) > 0 && (all[0].Named || role == setup.Contacts):
		return all[0].Database
	case role == setup.Contacts, role == setup.Deals && slices.Contains(r.toCreate, setup.Contacts):
		return create
	}
	return none
}

// askDatabase shows what there is, until one is chosen.
func (r *initRun) askDatabase(role setup.Role, now, preset string) error {
	fmt.Fprintf(r.Stderr, "\n%s.\n", roleHelp[role])
	for {
		all := r.candidates(role)
		values, labels := menu(role, all)
		if now != "" && !slices.Contains(values, now) {
			values, labels = append([]string{now}, values...), append([]string{"the one that the files name now"}, labels...)
		}
		if len(all) == 0 {
			r.explainSharing()
		}
		for i, label := range labels {
			fmt.Fprintf(r.Stderr, "   %d  %s\n", i+1, oneLine(label))
		}
		if now != "" {
			preset = now
		}
		shown, again := fmt.Sprint(1+slices.Index(values, preset)), false
		err := r.ask.ask("   Number, or the link of a database", shown, shown, func(answer string) error {
			if linkLike(answer) || slices.Contains(values, strings.ToLower(answer)) { // create and none are answers, too
				return r.choose(role, answer)
			}
			i, err := number(answer, len(values))
			if err != nil {
				return err
			}
			if again = values[i] == ""; again {
				return r.look()
			}
			return r.choose(role, values[i])
		})
		if err != nil || !again {
			return err
		}
		preset = r.preset(role)
	}
}

// explainSharing says why there is nothing to choose from, and once what to
// click.
func (r *initRun) explainSharing() {
	if n := len(r.found); n == 0 {
		fmt.Fprintln(r.Stderr, "   No database is shared with the connection yet.")
	} else {
		fmt.Fprintf(r.Stderr, "   Of the databases that are shared with the connection (%d) none looks like it.\n", n)
	}
	if !r.explained {
		fmt.Fprint(r.Stderr, shareHelp)
	}
	r.explained = true
}

// linkLike tells an id or a link from a number.
func linkLike(answer string) bool { return strings.ContainsAny(answer, "/-") || len(answer) >= 32 }

// menu lists what may be chosen; "" means to look again.
func menu(role setup.Role, all []setup.Candidate) (values, labels []string) {
	for _, c := range all {
		values, labels = append(values, c.Database), append(labels, outline(c.Schema))
	}
	values, labels = append(values, create), append(labels, "make a new one")
	if role != setup.Contacts {
		values, labels = append(values, none), append(labels, "none")
	}
	return append(values, ""), append(labels, "look again for what was shared just now")
}

// outline tells a database from another of the same name.
func outline(s crm.Schema) string {
	var names []string
	for _, p := range s.Properties {
		names = append(names, p.Name)
	}
	const most = 6
	rest := ""
	if len(names) > most {
		names, rest = names[:most], ", …"
	}
	return fmt.Sprintf("%s (%s%s)", s.Name, strings.Join(names, ", "), rest)
}

// choose gives a role to a database that exists, to one that will be made, or
// to none.
func (r *initRun) choose(role setup.Role, answer string) error {
	delete(r.answers.Databases, role)
	r.toCreate = slices.DeleteFunc(r.toCreate, func(other setup.Role) bool { return other == role })
	switch {
	case strings.EqualFold(answer, none) && role != setup.Contacts:
		return nil
	case strings.EqualFold(answer, create):
		if err := r.chooseParent(); err != nil {
			return err
		}
		r.toCreate = append(r.toCreate, role)
		return r.propose(role, crm.Schema{Name: role.Title(), Properties: setup.Standard(role)})
	}
	s, err := r.schema(answer)
	switch {
	case errors.Is(err, crm.ErrNotFound), errors.Is(err, crm.ErrInvalid):
		return crm.WithHint(fmt.Errorf("no database with this id or link is shared with the connection: %w", err),
			"open the database in Notion as a full page, •••, Connections, add the connection; then copy its link")
	case err != nil:
		return err
	}
	if role == setup.Contacts && setup.Propose(role, s)[setup.SlotEmail] == "" {
		return crm.WithHint(fmt.Errorf("database %q has no property that holds an email address", s.Name), "add a property of type Email in Notion, or choose another database")
	}
	return r.propose(role, s)
}

// schema reads a database, unless it is among those that were found.
func (r *initRun) schema(answer string) (crm.Schema, error) {
	id := crm.NormalID(answer)
	if i := slices.IndexFunc(r.found, func(s crm.Schema) bool { return s.Database == id }); i >= 0 {
		return r.found[i], nil
	}
	return r.notion.Schema(r.ctx, answer)
}
