package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/setup"
)

const connectHelp = `
1. The connection
   At notion.so/profile/integrations choose New connection, of the type internal, with the
   capabilities Read, Update and Insert content, and Read user information including
   email addresses. Then copy its secret; it is not shown here.
`

// connect finds a token that Notion accepts and that can do what is needed.
func (r *initRun) connect() error {
	token, err := r.knownToken()
	if err != nil {
		return err
	}
	if r.asking() && token.Empty() {
		fmt.Fprint(r.Stderr, connectHelp)
		return r.ask.secret("   Secret of the connection", func(answer string) error { return r.tryAll(secret.New(answer)) })
	}
	err = r.tryAll(token)
	if err == nil || !r.asking() || r.c.TokenFile != "" || r.ctx.Err() != nil {
		return err
	}
	fmt.Fprintln(r.Stderr)
	_ = r.ask.judge(err)
	return r.ask.secret("   Secret of the connection", func(answer string) error { return r.tryAll(secret.New(answer)) })
}

// knownToken is the token of the flag, the file, or the environment; none is
// no mistake.
func (r *initRun) knownToken() (secret.String, error) {
	if r.c.TokenFile == "" {
		return r.settings.NotionToken, nil
	}
	content, err := os.ReadFile(r.c.TokenFile)
	if err != nil {
		return secret.String{}, &usageError{fmt.Errorf("--token-file: %w", err), "name a file that holds the connection's secret"}
	}
	return secret.New(strings.TrimSpace(string(content))), nil
}

// written is how tokens are written, whatever they begin with.
var written = regexp.MustCompile(`^[A-Za-z0-9_-]{10,}$`)

// tryAll checks a token and keeps it.
func (r *initRun) tryAll(token secret.String) error {
	if !written.MatchString(token.Reveal()) {
		return crm.WithHint(errors.New("that is no secret of a Notion connection: those are one word of letters and digits that begins with ntn_"),
			"copy it anew from the connection's settings, whole")
	}
	for {
		err := r.try(token)
		if err == nil || !r.asking() || !errors.Is(err, errIncapable) && !errors.Is(err, crm.ErrUnavailable) || r.ctx.Err() != nil {
			return err
		}
		// The token may well be right: what is wrong is elsewhere.
		_ = r.ask.judge(err)
		if _, err := r.ask.read("   Press Enter to try again: ", false); err != nil {
			return err
		}
	}
}

// briskRate is for somebody who waits, in requests per second: a run makes
// about ten, of the 180 that Notion takes in a minute at any pace
// (https://developers.notion.com/reference/request-limits).
const briskRate = 10

func (r *initRun) try(token secret.String) error {
	settings := *r.settings
	settings.NotionToken = token
	settings.Notion.Rate = max(settings.Notion.Rate, briskRate)
	caller, err := dial(r.ctx, &settings, nil) // a new one: the former may hold its calls back
	if err != nil {
		return err
	}
	bot, err := caller.Me(r.ctx)
	if err != nil {
		return r.explain(err)
	}
	can, err := caller.Capabilities(r.ctx)
	if err != nil {
		return r.explain(err)
	}
	if err := incapable(can); err != nil {
		return err
	}
	r.greet(bot, can)
	r.token, r.notion = token, caller
	return nil
}

// explain says what a failure of the first calls means.
func (r *initRun) explain(err error) error {
	switch {
	case errors.Is(err, crm.ErrForbidden):
		return crm.WithHint(fmt.Errorf("notion does not accept the secret: it was revoked, or is another one's, or was not copied whole (%w)", err),
			"copy it anew from the connection's settings in Notion; secrets begin with ntn_, or secret_ if they are old")
	case errors.Is(err, crm.ErrUnavailable), errors.Is(err, crm.ErrAmbiguous):
		return crm.WithHint(fmt.Errorf("%s was not reached, so the secret could not be checked: %w", r.settings.Notion.URL, err),
			"look whether this machine reaches it, such as with: curl -I "+r.settings.Notion.URL)
	}
	return err
}

var errIncapable = errors.New("the connection lacks a capability")

// incapable names what a connection has to be allowed.
func incapable(can notion.Capabilities) error {
	lacks := can.Lacks()
	if len(lacks) == 0 {
		return nil
	}
	return crm.WithHint(fmt.Errorf("%w: %s", errIncapable, strings.Join(lacks, ", ")),
		"in Notion at notion.so/profile/integrations open the connection, tick it under Capabilities, and save")
}

func (r *initRun) greet(bot notion.Bot, can notion.Capabilities) {
	where := ""
	if bot.Workspace != "" {
		where = fmt.Sprintf(" in the workspace %q", oneLine(bot.Workspace))
	}
	fmt.Fprintf(r.Stderr, "   Connected as %q%s: it may read, update and insert content.\n", oneLine(bot.Name), where)
	if bot.Person {
		fmt.Fprintln(r.Stderr, "   Note: this is a person's own token, not a connection's. It sees all that the person sees, and their edits cannot be told\n"+
			"   from Dealbell's. A connection of its own is better: create one, and run dealbell init again.")
	}
	if !can.Emails {
		fmt.Fprintln(r.Stderr, "   Note: it may not read email addresses of users, so Slack cannot mention the owners of deals.")
	}
}

// keepToken puts the token into the environment file, unless a file of its
// own is named there.
func (r *initRun) keepToken() error {
	if r.env.Get(setup.EnvToken+"_FILE") != "" {
		return nil
	}
	return r.env.Set(setup.EnvToken, r.token.Reveal())
}
