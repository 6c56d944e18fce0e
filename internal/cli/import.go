package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/table"
	"github.com/dealbell/dealbell/internal/upsert"
)

type importCommand struct {
	File      string   `arg:"" help:"The CSV file, in any usual encoding and with any usual delimiter."`
	Database  string   `help:"Where its rows go, by the name in the configuration." default:"contacts"`
	Key       string   `help:"The property that identifies a row; the title where it is not Contacts." placeholder:"PROPERTY"`
	Map       []string `help:"Where a column goes; 'COLUMN=' leaves it out. May be repeated; other columns are guessed." placeholder:"'COLUMN=PROPERTY'" sep:"none"`
	Dates     string   `help:"Which comes first in dates such as 3/4/2026: dmy or mdy." enum:",dmy,mdy" default:""`
	Overwrite bool     `help:"Let the file replace what is there; otherwise only blanks are filled. An empty cell never clears anything."`
	Plan      bool     `help:"Say what would happen and how long it would take, and write nothing."`
	Resume    bool     `help:"Only go on with an import of this file that was interrupted."`
	Strict    bool     `help:"Exit with 1 when a row was rejected."`
	JSON      bool     `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (importCommand) Help() string {
	return "Finds out which rows are new, changed or there already, and writes only those that have to be, one call each, beside live leads. " +
		"A running daemon does the writing; without one, this command does. Ctrl-C stops it; the same command goes on where it stopped. " +
		"Rows that do not fit go to FILE.rejects.csv with the reason; mend and import that. " +
		"Rows that were brought in once are left alone when the same file is imported again."
}

// Run brings a file into a database.
func (c *importCommand) Run(s *session) error {
	settings, err := s.config()
	if err != nil {
		return err
	}
	target, err := readDatabase(settings, c.Database)
	if err != nil {
		return err
	}
	file, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return crm.WithHint(fmt.Errorf("import: %s is no file that can be read twice", c.File), "write the data to a file, and import that")
	}
	if _, err := table.Open(file); err != nil { // before anything is waited for
		return err
	}
	db, done, err := s.worker(settings)
	if err != nil {
		return err
	}
	defer done()
	return (&importing{importCommand: c, session: s, settings: settings, db: db, database: target, file: file}).run()
}

// readDatabase finds a database by its name, which has to be one that is read.
func readDatabase(settings *config.Config, name string) (id string, err error) {
	id, known := settings.DatabaseID(name)
	switch {
	case !known:
		return "", &usageError{fmt.Errorf("there is no database %q", name), "databases have their names in the configuration file; contacts and deals are there without it"}
	case id == "":
		return "", &config.Error{Problem: fmt.Sprintf("database %q has no id", name), Advice: "set it in the environment or in the configuration file"}
	}
	for _, w := range settings.Watched() {
		if w.ID == id {
			return id, nil
		}
	}
	return "", &usageError{fmt.Errorf("database %q is not read, so nobody can tell which rows it has", name), "name it under databases: in the configuration file"}
}

// importing is a running import command.
type importing struct {
	*importCommand
	*session
	settings *config.Config
	db       *store.DB
	database string // id
	file     *os.File
}

func (i *importing) run() error {
	draft, err := i.draft()
	if err != nil {
		return err
	}
	if draft != nil {
		begun, found, err := i.begun(draft)
		switch {
		case err != nil:
			return fmt.Errorf("look for an import that was begun: %w", err)
		case found:
			return i.goOn(draft, begun)
		}
	}
	if i.Resume {
		return crm.WithHint(errors.New("no import of this file, in this way, was interrupted"), "leave --resume out to begin one")
	}
	if err := i.freshen(); err != nil {
		return err
	}
	if draft, err = i.draft(); err != nil {
		return err
	}
	plan, err := draft.Compare(i.ctx, i.db, i.settings.Notion.Rate)
	if err != nil {
		return err
	}
	if i.Plan {
		return i.showPlan(i.Stdout, plan)
	}
	if !i.JSON {
		if err := i.showPlan(i.Stderr, plan); err != nil {
			return err
		}
	}
	if plan.Writes() == 0 {
		return i.conclude(plan.Import, plan)
	}
	return i.begin(plan)
}

// draft reads the file, as far as that is possible without asking Notion: nil
// says that the database was never read.
func (i *importing) draft() (*importer.Draft, error) {
	schema, known, err := i.db.Schema(i.ctx, i.database)
	if err != nil || !known {
		return nil, err
	}
	key, err := i.key(schema)
	if err != nil {
		return nil, err
	}
	pepper, err := i.db.Secret(i.ctx, "import key", secret.New(store.NewID()+store.NewID()))
	if err != nil {
		return nil, err
	}
	return importer.NewDraft(i.file, importer.Wish{
		Schema: schema, Key: key, Contacts: i.contacts(), Map: i.Map, Dates: i.Dates, Overwrite: i.Overwrite, Zone: i.settings.Zone, Secret: pepper,
	})
}

func (i *importing) contacts() bool { return i.database == i.settings.Contacts.ID }

// key finds the property that identifies a row.
func (i *importing) key(schema crm.Schema) (crm.Property, error) {
	known, err := i.db.Bindings(i.ctx, i.database)
	if err != nil {
		return crm.Property{}, err
	}
	name := i.Key
	switch {
	case i.contacts() && name == "":
		name = i.settings.Lead.Mapping().Key
	case name == "":
		name = schema.Title().Name
	}
	p, err := upsert.Bindings{Bindings: crm.Bindings{Schema: schema, Known: known}}.Key(name)
	if err != nil {
		return p, crm.WithHint(err, "--key names a property that holds text")
	}
	if lead, _ := schema.Property(i.settings.Lead.Mapping().Key); i.contacts() && p.ID != lead.ID {
		return p, &usageError{fmt.Errorf("a contact is identified by %q", lead.Name), "--key is for other databases"}
	}
	return p, nil
}

// begun finds an import of the same file that has not been told the end of.
func (i *importing) begun(draft *importer.Draft) (in crm.Import, found bool, err error) {
	in, found, err = i.db.ImportInto(i.ctx, i.database)
	return in, found && !i.Plan && string(in.File) == string(draft.File), err
}

// begin stores what is to be written and lets it begin.
func (i *importing) begin(plan importer.Plan) error {
	if err := i.hasRoom(plan.Writes()); err != nil {
		return err
	}
	if other, found, err := i.db.ImportInto(i.ctx, i.database); err == nil && found && other.Open() > 0 && other.State != crm.ImportRunning {
		fmt.Fprintf(i.Stderr, "an import of another file is given up: %d of its rows were not written\n", other.Open())
	}
	id, err := i.db.BeginImport(i.ctx, plan.Import, plan.Write)
	if err != nil {
		return i.unless("store import", err)
	}
	plan.Write = nil
	return i.work(id, plan)
}

// unless says what to do where another command imports into the same database.
func (i *importing) unless(doing string, err error) error {
	if !errors.Is(err, store.ErrImporting) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return crm.WithHint(fmt.Errorf("another command imports into %s", i.Database),
		"wait for it, or stop it with Ctrl-C; if it brings in the same file, the same command shows how far it is")
}

// goOn takes an import up where it is.
func (i *importing) goOn(draft *importer.Draft, in crm.Import) error {
	plan, err := draft.Compare(i.ctx, i.db, i.settings.Notion.Rate)
	if err != nil {
		return err
	}
	plan.Write = nil
	fmt.Fprintf(i.Stderr, "going on with the import that was begun %s: %d of %d rows are left\n",
		in.BegunAt.In(i.settings.Zone).Format("2006-01-02 15:04"), in.Open(), in.Rows)
	return i.work(in.ID, plan)
}

// work lets an import run and watches it to its end.
func (i *importing) work(id int64, plan importer.Plan) error {
	if err := i.db.RunImport(i.ctx, id, importer.FeedJob(id, time.Time{})); err != nil {
		return i.unless("begin import", err)
	}
	in, err := i.watch(id)
	if i.ctx.Err() != nil {
		return i.interrupted(id)
	}
	if err != nil {
		return err
	}
	refused, err := i.db.ImportRejects(i.ctx, id)
	if err != nil {
		return fmt.Errorf("read rejects: %w", err)
	}
	var byNotion []importer.Reject
	for _, line := range slices.Sorted(maps.Keys(refused)) {
		byNotion = append(byNotion, importer.Reject{Line: line, Reason: refused[line]})
	}
	if err := showRejects(i.Stderr, byNotion); err != nil {
		return err
	}
	plan.Rejects = append(plan.Rejects, byNotion...)
	if err := i.conclude(in, plan); err != nil && !errors.Is(err, errRejects) {
		return err
	}
	if err := i.db.EndImport(i.ctx, id); err != nil {
		return fmt.Errorf("end import: %w", err)
	}
	if i.Strict && in.Rejected > 0 {
		return errRejects
	}
	return nil
}

// interrupted lets nothing more be written.
func (i *importing) interrupted(id int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(i.ctx), 10*time.Second)
	defer cancel()
	if err := i.db.PauseImport(ctx, id, "interrupted"); err != nil {
		return fmt.Errorf("stop import: %w", err)
	}
	in, _, err := i.db.Import(ctx, id)
	if err != nil {
		return fmt.Errorf("read import: %w", err)
	}
	return crm.WithHint(fmt.Errorf("interrupted: %d of %d rows are left", in.Open(), in.Rows), "the same command goes on where it stopped")
}
