package cli

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/setup"
)

// compose makes the new content of both files. A database that is not made yet
// has no id.
func (r *initRun) compose() error {
	if err := errors.Join(r.keepToken(), r.keepDatabases(), r.keepRest()); err != nil {
		return err
	}
	var err error
	r.edited, r.left, err = r.answers.EditYAML(r.yaml)
	if err != nil {
		return err
	}
	for role := range r.answers.Databases {
		if id := setup.WrittenDatabase(r.yaml, role); id != "" && crm.NormalID(id) != r.answers.Databases[role].Database {
			r.left = append(r.left, fmt.Sprintf("%s.id in %s names another database and wins over %s: remove it", role, setup.YAMLName, setup.EnvName))
		}
	}
	_, err = r.load(r.edited)
	return err
}

// unmade stands for the id of a database that is not made yet.
const unmade = "made-at-the-end"

func (r *initRun) keepDatabases() error {
	for _, role := range setup.Roles() {
		name := setup.DatabaseVariable(role)
		s, used := r.answers.Databases[role]
		switch {
		case r.env.Get(name+"_FILE") != "", setup.WrittenDatabase(r.yaml, role) != "":
		case used && s.Database == "":
			if err := r.env.Set(name, unmade); err != nil {
				return err
			}
		case crm.NormalID(r.env.Get(name)) == s.Database:
		default:
			if err := r.env.Set(name, s.Database); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *initRun) keepRest() error {
	formSecret := hex.EncodeToString(randomBytes())
	if have := r.settings.FormSecrets; len(have) > 0 { // of this process's environment
		formSecret = have[0].Reveal()
	}
	return errors.Join(
		r.keepUnlessGiven(setup.EnvFormSecret, formSecret),
		r.keepUnlessGiven(setup.EnvSlack, r.settings.SlackWebhook.Reveal()),
		r.keepUnlessGiven(setup.EnvNotionURL, r.Getenv(setup.EnvNotionURL)),
		r.keepPlaces(),
	)
}

// keepPlaces names what Dealbell would not find by itself, or could not write
// to, when its files are not where the service has them.
func (r *initRun) keepPlaces() error {
	if r.inEtc() {
		return nil
	}
	dir, err := filepath.Abs(r.dir)
	if err != nil {
		return err
	}
	return errors.Join(
		r.keepUnlessGiven(setup.EnvConfig, filepath.Join(dir, setup.YAMLName)),
		r.keepUnlessGiven(setup.EnvData, cmp.Or(r.Getenv(setup.EnvData), filepath.Join(dir, "state"))),
	)
}

// keepUnlessGiven sets a variable that the file does not have. Without a
// value there is nothing to set.
func (r *initRun) keepUnlessGiven(name, value string) error {
	if r.given(name) || value == "" {
		return nil
	}
	return r.env.Set(name, value)
}

// inEtc says whether the files are where the service looks by itself.
func (r *initRun) inEtc() bool { return filepath.Clean(r.dir) == etcDir }

func randomBytes() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return b
}

// preview shows how the files would change, without their secrets.
func (r *initRun) preview() error {
	if err := r.compose(); err != nil {
		return err
	}
	w := r.Stdout
	if !r.c.DryRun {
		w = r.Stderr
		fmt.Fprintln(w)
	}
	for _, role := range r.toCreate {
		fmt.Fprintf(w, "In Notion: make the database %s on the page %q.\n", role.Title(), oneLine(titleOf(r.parent)))
	}
	changes := r.changes()
	fmt.Fprint(w, changes)
	for _, line := range r.left {
		fmt.Fprintf(r.Stderr, "By hand: %s\n", oneLine(line))
	}
	if changes == "" {
		fmt.Fprintln(r.Stderr, "The files say all of this already.")
	}
	return nil
}

// changes is the difference of both files.
func (r *initRun) changes() string {
	var all strings.Builder
	for _, f := range []struct{ name, old, now string }{
		{setup.EnvName, r.envWas.Show(r.envWas), r.env.Show(r.envWas)},
		{setup.YAMLName, r.yaml, r.edited},
	} {
		path := r.path(f.name)
		all.WriteString(unified(path, f.old, f.now))
	}
	return all.String()
}

// unified is a difference as patch reads it; "" where there is none.
func unified(path, old, now string) string {
	_, d, _ := strings.Cut(string(diff.Diff(path, []byte(old), path, []byte(now))), "\n") // without a title
	return d
}

// agree asks before anything is changed.
func (r *initRun) agree() error {
	if r.c.Yes || r.changes() == "" && len(r.toCreate) == 0 {
		return nil
	}
	yes, err := r.ask.confirm("Do this?")
	if err == nil && !yes {
		err = errStopped
	}
	return err
}

// untouched makes sure that nobody has changed the files while it was asked.
func (r *initRun) untouched() error {
	for name, was := range map[string]string{setup.EnvName: r.envWas.String(), setup.YAMLName: r.yaml} {
		now, err := setup.ReadFile(r.path(name))
		if err != nil {
			return err
		}
		if strings.TrimSuffix(now, "\n") != strings.TrimSuffix(was, "\n") {
			return crm.WithHint(fmt.Errorf("%s was changed in the meantime; nothing was written", r.path(name)), "run dealbell init again: it begins with what is there now")
		}
	}
	return nil
}

// write makes the databases, then the files, which name them.
func (r *initRun) write() error {
	for _, role := range setup.Roles() {
		if err := r.make(role); err != nil {
			return err
		}
	}
	if err := r.compose(); err != nil {
		return err
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil { //nolint:gosec // the service's user reads the configuration there
		return fmt.Errorf("make directory: %w", err)
	}
	var told []string // at the end: whoever has stopped listening gets both
	for _, f := range []struct{ name, old, now string }{
		{setup.YAMLName, r.yaml, r.edited}, {setup.EnvName, r.envWas.String(), r.env.String()},
	} {
		if f.old == f.now {
			continue
		}
		if err := setup.WriteFile(r.path(f.name), f.now); err != nil {
			return err
		}
		told = append(told, r.path(f.name))
	}
	r.state = nothingMade
	for _, path := range told {
		fmt.Fprintf(r.Stderr, "Wrote %s\n", path)
	}
	return nil
}

// make makes the database of a role, where that was asked for.
func (r *initRun) make(role setup.Role) error {
	for _, wanted := range r.toCreate {
		if wanted != role {
			continue
		}
		r.state = begun
		s, made, err := setup.Ensure(r.ctx, r.notion, r.parent.ID, role, r.answers.Databases[setup.Contacts].DataSource)
		if err != nil {
			return err
		}
		r.answers.Databases[role] = s
		how := "Made"
		if !made {
			how = "Found"
		}
		fmt.Fprintf(r.Stderr, "%s the database %s on the page %q.\n", how, role.Title(), oneLine(titleOf(r.parent)))
	}
	return nil
}

// next is what the operator does now. A secret is shown to a person only, not
// to a log.
func (r *initRun) next() setup.Next {
	_, rings := r.answers.Databases[setup.Deals]
	next := setup.Next{
		Dir: r.dir, PublicURL: r.env.Get(setup.EnvPublicURL), Listen: r.settings.Listen, Service: r.inEtc(), Site: r.answers.Site,
		Deals: rings, Slack: r.given(setup.EnvSlack) || len(r.settings.Slack.Channels) > 0,
	}
	if r.ask != nil && interactive(r.out) { // the steps may go to a file, which others read
		first, _, _ := strings.Cut(r.env.Get(setup.EnvFormSecret), ",")
		next.FormSecret = secret.New(first)
	}
	return next
}
