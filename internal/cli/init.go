package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/setup"
)

type initCommand struct {
	TokenFile        string   `help:"File that holds the secret of the Notion connection. Or set NOTION_TOKEN." placeholder:"FILE" type:"path"`
	Contacts         string   `help:"Database of contacts: its id or link, or create." placeholder:"ID"`
	Deals            string   `help:"Database of deals: its id or link, create, or none." placeholder:"ID"`
	Activities       string   `help:"Database where each message becomes a row: its id or link, create, or none." placeholder:"ID"`
	Parent           string   `help:"Page on which databases are created: its id or link." placeholder:"PAGE"`
	Map              []string `help:"Property or option that takes a part of the standard CRM, such as contacts.Company=Firma; with nothing after the =, none does." placeholder:"PART=NAME" sep:"none"`
	PublicURL        string   `name:"public-url" help:"Where the world finds Dealbell, such as https://crm.example.com." placeholder:"URL"`
	SlackWebhookFile string   `help:"File that holds the URL of a Slack incoming webhook." placeholder:"FILE" type:"path"`
	Site             string   `help:"Website whose pages hold a form without a server, such as https://www.example.com." placeholder:"URL"`
	Dir              string   `help:"Where the files go. Default: /etc/dealbell where that can be written, else here." placeholder:"DIR"`
	Yes              bool     `short:"y" help:"Take what is proposed, and do not ask."`
	DryRun           bool     `help:"Show what would be changed, and change nothing, in Notion neither."`
}

// Help implements kong.HelpProvider.
func (initCommand) Help() string {
	return "Finds Contacts, Deals and Activities among what is shared with the Notion connection, or makes them; proposes which property is which; " +
		"and writes " + setup.YAMLName + " and " + setup.EnvName + ". On a terminal it asks. Run it again at any time: it keeps secrets and what was changed by hand."
}

// Run asks, shows what would change, and changes it.
func (c *initCommand) Run(s *session) error {
	r := &initRun{session: s, c: c, ask: newPrompt(s), answers: setup.Answers{Databases: map[setup.Role]crm.Schema{}, Mapping: setup.Mapping{}}}
	err := r.run()
	if errors.Is(err, errStopped) || s.ctx.Err() != nil && r.state == nothingMade {
		return errors.New("stopped; nothing was written")
	}
	if err != nil && r.state == begun {
		return crm.WithHint(err, "databases may have been made, the files are not written: run dealbell init again, it uses what is there")
	}
	return err
}

// initRun is one run of the command.
type initRun struct {
	*session
	c   *initCommand
	ask *prompt // nil where nobody can answer

	dir         string
	yaml        string    // what the file holds now
	env, envWas setup.Env // the environment file as it will be, and as it is
	token       secret.String
	settings    *config.Config // as it is now, with the token
	notion      *notion.Caller
	found       []crm.Schema // what is shared with the connection
	parent      crm.Page     // where databases are made
	toCreate    []setup.Role
	answers     setup.Answers
	explained   bool     // how databases are shared
	left        []string // what the operator has to change by hand
	edited      string   // the configuration as it will be
	state       progress
}

// progress says what is left behind when something fails.
type progress int

const (
	nothingMade progress = iota
	begun                // databases may have been made
)

func (r *initRun) run() error {
	steps := []func() error{r.readFiles, r.readFlags, r.complete, r.connect, r.look}
	for _, role := range setup.Roles() {
		steps = append(steps, func() error { return r.database(role) })
	}
	steps = append(steps, r.checkMap, r.slack, r.addresses, r.preview)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if r.c.DryRun {
		fmt.Fprintln(r.Stderr, "\nThis was a dry run: nothing was changed.")
		return nil
	}
	if err := r.agree(); err != nil {
		return err
	}
	if err := r.untouched(); err != nil {
		return err
	}
	if err := r.write(); err != nil {
		return err
	}
	fmt.Fprint(r.Stdout, r.next().String())
	return nil
}

// asking says whether a question is put to somebody, rather than answered by
// what is proposed.
func (r *initRun) asking() bool { return r.ask != nil && !r.c.Yes }

// accepting says whether what is proposed is taken where nobody is asked.
func (r *initRun) accepting() bool { return r.c.Yes || r.c.DryRun }

// missing is a question that nobody answers.
func missing(flag, what string) error {
	return &usageError{
		fmt.Errorf("%s: give %s, or run it on a terminal", what, flag),
		"dealbell init --help lists the flags; --yes takes what is proposed",
	}
}

// readFiles reads what a former run, or a person, has written.
func (r *initRun) readFiles() error {
	if r.asking() {
		fmt.Fprint(r.Stderr, "This sets Dealbell up: it asks, shows what it would write, and writes after you agree.\nEnter takes what stands in brackets. Ctrl-C stops, with nothing written.\n")
	}
	if r.dir = r.c.Dir; r.dir == "" {
		r.dir = usualDir()
	}
	if r.asking() && r.c.Dir == "" {
		fmt.Fprintln(r.Stderr)
		if err := r.ask.ask("Directory for the files", r.dir, r.dir, func(dir string) error {
			r.dir = dir
			return nil
		}); err != nil {
			return err
		}
	}
	yaml, err := setup.ReadFile(r.path(setup.YAMLName))
	if err != nil {
		return err
	}
	env, err := setup.ReadFile(r.path(setup.EnvName))
	if err != nil {
		return err
	}
	r.yaml, r.envWas, r.env = yaml, setup.ParseEnv(env), setup.ParseEnv(env)
	if env == "" {
		r.env = setup.NewEnv(r.path(setup.EnvName))
	}
	r.settings, err = r.load(yaml)
	return err
}

func (r *initRun) path(name string) string { return filepath.Join(r.dir, name) }

const etcDir = "/etc/dealbell"

// usualDir is where the service looks, if the files can go there.
func usualDir() string {
	_, err := os.Stat(etcDir)
	if errors.Is(err, os.ErrNotExist) && os.Geteuid() == 0 {
		return etcDir
	}
	probe, err := os.CreateTemp(etcDir, ".dealbell-*")
	if err != nil {
		return "."
	}
	probe.Close()
	if os.Remove(probe.Name()) != nil {
		return "."
	}
	return etcDir
}

// load reads a configuration with the environment that the daemon will have.
func (r *initRun) load(yaml string) (*config.Config, error) {
	file := os.DevNull
	if yaml != "" {
		temp, err := os.CreateTemp("", "dealbell-*.yaml")
		if err != nil {
			return nil, fmt.Errorf("check configuration: %w", err)
		}
		defer os.Remove(temp.Name()) //nolint:errcheck // it is in the temporary directory
		if _, err := temp.WriteString(yaml); err != nil {
			return nil, errors.Join(err, temp.Close())
		}
		if file = temp.Name(); temp.Close() != nil {
			return nil, errors.New("check configuration: the temporary file cannot be written")
		}
	}
	c, err := config.Load(config.Source{Getenv: r.getenv, File: file})
	if mistake, ok := errors.AsType[*config.Error](err); ok {
		return nil, &config.Error{Problem: strings.ReplaceAll(mistake.Problem, file, r.path(setup.YAMLName)), Advice: mistake.Advice}
	}
	return c, err
}

// getenv is the environment of the file, and of this process beside it. A
// variable and its X_FILE come from one place.
func (r *initRun) getenv(name string) string {
	base := strings.TrimSuffix(name, "_FILE")
	if r.env.Get(base) != "" || r.env.Get(base+"_FILE") != "" {
		return r.env.Get(name)
	}
	return r.Getenv(name)
}

// given says whether the environment file has a variable, directly or as the
// name of a file.
func (r *initRun) given(name string) bool {
	return r.env.Get(name) != "" || r.env.Get(name+"_FILE") != ""
}
