// Package cli is the command line: one file per command.
//
// Results go to standard output, progress and logs to standard error. A
// command returns an error and never exits; Main prints it as
// "dealbell: error: …" and "dealbell: hint: …" and turns it into an exit
// code: 0 done, 1 failed, 2 usage or configuration error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// Env is what a command sees of the operating system.
type Env struct {
	Args       []string  // without the program's name
	Stdin      io.Reader // nil for none
	Stdout     io.Writer
	Stderr     io.Writer
	Getenv     func(string) string
	Executable func() (string, error) // this program's file
}

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands are all commands with their flags.
type commands struct {
	Config   string `help:"YAML file; without it dealbell.yaml here, then /etc/dealbell/dealbell.yaml, if they exist." placeholder:"FILE" type:"path"`
	LogLevel string `help:"How much to log: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`

	Serve       serveCommand       `cmd:"" help:"Run the daemon."`
	Demo        demoCommand        `cmd:"" help:"Try everything with a sandbox instead of Notion; no account needed."`
	Init        initCommand        `cmd:"" help:"Set Dealbell up: find or make the databases, write the configuration."`
	Check       checkCommand       `cmd:"" help:"Check the configuration without touching anything."`
	Doctor      doctorCommand      `cmd:"" help:"Look at everything and say what to do about what is wrong."`
	Status      statusCommand      `cmd:"" help:"Show what waits, what is stuck and how far Notion was read."`
	Webhook     webhookCommand     `cmd:"" help:"Show or set up Notion's webhook subscription."`
	Rules       rulesCommand       `cmd:"" help:"Try the rules on a page."`
	Digest      digestCommand      `cmd:"" help:"Make a digest now."`
	Why         whyCommand         `cmd:"" help:"Tell the story of a contact or page: where is that lead?"`
	Import      importCommand      `cmd:"" help:"Bring a CSV file into Contacts or another database."`
	Jobs        jobsCommand        `cmd:"" help:"List, show, retry or drop jobs; dead letters first of all."`
	Replay      replayCommand      `cmd:"" help:"List what is held or was rejected, let it go on, or work a delivery in again."`
	Password    passwordCommand    `cmd:"" help:"Set the dashboard's password."`
	Backup      backupCommand      `cmd:"" help:"Copy the state to a file, beside a running daemon."`
	Restore     restoreCommand     `cmd:"" help:"Put a backup in the place of the state, while no daemon runs."`
	Export      exportCommand      `cmd:"" help:"Write a database as CSV, or print everything that is kept about a person."`
	Forget      forgetCommand      `cmd:"" help:"Remove a person, here and on demand in Notion."`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit 0 when the daemon is ready for leads."`
	Version     versionCommand     `cmd:"" help:"Show the version."`
}

// session is what a running command works with.
type session struct {
	Env
	out   io.Writer       // what goes there is shown as it is
	log   io.Writer       // where logs go
	ctx   context.Context //nolint:containedctx // lives as long as the one command
	flags *commands
}

// Main runs one command and returns its exit code.
func Main(ctx context.Context, env Env) int {
	err := run(ctx, env)
	if err == nil {
		return exitDone
	}
	report(terminal{env.Stderr}, err)
	if _, mistake := errors.AsType[*config.Error](err); mistake {
		return exitUsage
	}
	if _, usage := errors.AsType[*usageError](err); usage {
		return exitUsage
	}
	return exitFailed
}

// report prints each joined error with its hint.
func report(w io.Writer, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			report(w, one)
		}
		return
	}
	fmt.Fprintf(w, "dealbell: error: %s\n", oneLine(strings.TrimSpace(err.Error())))
	if hint, ok := crm.Hint(err); ok {
		fmt.Fprintf(w, "dealbell: hint: %s\n", oneLine(hint))
	}
}

// usageError is a command line that makes no sense.
type usageError struct {
	error
	hint string
}

func (e *usageError) Unwrap() error { return e.error }

// Hint returns the next step.
func (e *usageError) Hint() string { return e.hint }

func run(ctx context.Context, env Env) (err error) {
	var flags commands
	ended := false
	parser, err := kong.New(&flags,
		kong.Name("dealbell"), kong.Description("Dealbell turns a Notion workspace into a CRM that never loses a lead."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(env.Stdout, env.Stderr), kong.Exit(func(int) { ended = true }))
	if err != nil {
		return fmt.Errorf("set up commands: %w", err)
	}
	parsed, err := parser.Parse(env.Args)
	if ended { // help was shown
		return nil
	}
	if err != nil {
		return &usageError{err, "dealbell --help lists the commands"}
	}
	out, log := env.Stdout, env.Stderr
	env.Stdout, env.Stderr = terminal{env.Stdout}, terminal{env.Stderr}
	return parsed.Run(&session{Env: env, out: out, log: log, ctx: ctx, flags: &flags})
}

// config loads the configuration.
func (s *session) config() (*config.Config, error) {
	return config.Load(config.Source{Getenv: s.Getenv, File: s.flags.Config})
}

// logger writes for people on a terminal, and JSON otherwise.
func (s *session) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.flags.LogLevel)); err != nil {
		level = slog.LevelInfo // kong has checked it
	}
	if interactive(s.log) {
		return slog.New(tint.NewTextHandler(s.log, &tint.Options{Level: level, TimeFormat: "15:04:05", ReplaceAttr: shown}))
	}
	return slog.New(slog.NewJSONHandler(terminal{s.log}, &slog.HandlerOptions{Level: level}))
}

// interactive reports whether a person watches what is written there.
func interactive(to io.Writer) bool {
	file, ok := to.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// attach opens the state directory beside a daemon.
func (s *session) attach() (*store.DB, error) {
	_, db, err := s.open()
	return db, err
}

// open loads the configuration and opens its state directory beside a daemon.
func (s *session) open() (*config.Config, *store.DB, error) {
	c, err := s.config()
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Attach(s.ctx, c.Data, s.logger())
	return c, db, err
}
