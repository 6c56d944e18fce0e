package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/story"
)

type whyCommand struct {
	What string `arg:"" help:"An address, the link or id of a page, or the id of a delivery."`
	Full bool   `help:"Print what was sent and said, word for word."`
	JSON bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (whyCommand) Help() string {
	return "Prints what happened to a record, in order: each delivery, what was decided, each request to Notion with its status, how long it took and " +
		"Notion's id of it, each change with who made it, the rules that fired, and what became of their messages. The second column is the time " +
		"since the line before. It ends with where the record stands, and the next command when something is stuck."
}

// Run tells the story of a record.
func (c *whyCommand) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	told, err := story.Tell(s.ctx, db, settings.Zone, c.What)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, told)
	}
	(&account{out: s.Stdout, full: c.Full}).print(told)
	return nil
}

const (
	lineWidth = 80
	// Time, wait and kind stand before the text.
	textAt = 8 + 1 + 6 + 1 + 8 + 1
)

// account prints a story.
type account struct {
	out  io.Writer
	full bool
	last time.Time // of the entry before
}

func (a *account) print(s story.Story) {
	name := s.Name
	if s.Email != "" && s.Email != name {
		name += " <" + s.Email + ">"
	}
	fmt.Fprintln(a.out, oneLine(name))
	for _, p := range s.Pages {
		where := cmp.Or(p.URL, p.ID)
		if p.Trashed {
			where += " (in the trash, or gone)"
		}
		fmt.Fprintf(a.out, "%s  %s\n", oneLine(p.Database), oneLine(where))
	}
	if s.Cut {
		fmt.Fprintln(a.out, "the oldest entries are left out: dealbell export prints all")
	}
	for _, e := range s.Entries {
		a.entry(e)
	}
	fmt.Fprintln(a.out)
	a.hang("now   ", 6, s.Now.Text)
	if s.Now.Next != "" {
		fmt.Fprintf(a.out, "next  %s\n", oneLine(s.Now.Next))
	}
}

func (a *account) entry(e story.Entry) {
	day := func(t time.Time) string { return t.Format("2006-01-02 MST") }
	wait := ""
	if day(e.At) != day(a.last) {
		fmt.Fprintf(a.out, "\n%s\n", day(e.At))
	}
	if !a.last.IsZero() {
		wait = since(e.At.Sub(a.last))
	}
	a.last = e.At
	a.hang(fmt.Sprintf("%s %6s %-8s ", e.At.Format("15:04:05"), wait, e.Kind), textAt, e.Text)
	if !a.full || e.Detail == "" {
		return
	}
	for line := range strings.Lines(e.Detail) {
		fmt.Fprintf(a.out, "%*s| %s\n", textAt, "", oneLine(strings.TrimRight(line, "\r\n")))
	}
}

// hang prints a text behind a head, in lines of at most 80 columns as far as
// its words allow.
func (a *account) hang(head string, indent int, text string) {
	line, empty := head, true
	for word := range strings.FieldsSeq(oneLine(text)) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > lineWidth {
			fmt.Fprintln(a.out, line)
			line, empty = strings.Repeat(" ", indent), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	fmt.Fprintln(a.out, line)
}

// since says in at most six characters how long something took.
func since(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Millisecond:
		return ""
	case d < time.Second:
		return fmt.Sprintf("+%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("+%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("+%dm", int(d.Minutes()))
	case d < day:
		return fmt.Sprintf("+%dh", int(d.Hours()))
	}
	return fmt.Sprintf("+%dd", int(d/day))
}
