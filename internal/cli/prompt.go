package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/dealbell/dealbell/internal/crm"
)

// errStopped is that somebody pressed Ctrl-C or Ctrl-D.
var errStopped = errors.New("stopped")

// prompt asks a person on a terminal. A wrong answer is told and asked again.
type prompt struct {
	ctx  context.Context //nolint:containedctx // lives as long as the one command
	in   *os.File
	line *term.Terminal
	say  io.Writer // for what stands between the questions
}

// newPrompt returns nil where nobody can answer.
func newPrompt(s *session) *prompt {
	in, ok := s.Stdin.(*os.File)
	out, okOut := s.log.(*os.File)
	if !ok || !okOut || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	line := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")
	if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 {
		_ = line.SetSize(width, height) // else it is 80 wide
	}
	return &prompt{ctx: s.ctx, in: in, line: line, say: s.Stderr}
}

// read asks for one line. What is pasted may have several: they become one,
// and it is Enter that answers.
func (p *prompt) read(question string, hidden bool) (string, error) {
	state, err := term.MakeRaw(int(p.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	p.line.SetBracketedPasteMode(true)
	defer func() {
		p.line.SetBracketedPasteMode(false)
		_ = term.Restore(int(p.in.Fd()), state)
	}()
	return typed(p.ctx, func() (string, error) { return p.readLines(oneLine(question), hidden) })
}

// typed returns what somebody types, or errStopped when they press Ctrl-C or
// Ctrl-D instead.
func typed(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	given := make(chan answer, 1)
	go func() { // ends with the process where the terminal never answers
		text, err := read()
		given <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", errStopped
	case a := <-given:
		if errors.Is(a.err, io.EOF) {
			return "", errStopped
		}
		return a.text, a.err
	}
}

func (p *prompt) readLines(question string, hidden bool) (string, error) {
	var lines []string
	for {
		ask := p.line.ReadLine
		if p.line.SetPrompt(question); hidden {
			ask = func() (string, error) { return p.line.ReadPassword(question) }
		}
		line, err := ask()
		lines = append(lines, line)
		if !errors.Is(err, term.ErrPasteIndicator) {
			return strings.Join(strings.Fields(strings.Join(lines, " ")), " "), err
		}
		question = ""
	}
}

// ask returns the first answer that is taken. Enter alone gives preset, which
// shown describes.
func (p *prompt) ask(question, preset, shown string, take func(string) error) error {
	if shown != "" {
		question += " [" + shown + "]"
	}
	for {
		answer, err := p.read(question+": ", false)
		if err != nil {
			return err
		}
		if answer == "" {
			answer = preset
		}
		if err := p.judge(take(answer)); err == nil || !errors.Is(err, errAgain) {
			return err
		}
	}
}

// secret asks for what nobody may see. It has no spaces.
func (p *prompt) secret(question string, take func(string) error) error {
	for {
		answer, err := p.read(question+": ", true)
		if err != nil {
			return err
		}
		if err := p.judge(take(strings.ReplaceAll(answer, " ", ""))); err == nil || !errors.Is(err, errAgain) {
			return err
		}
	}
}

// errAgain is that an answer was wrong and the reason is told.
var errAgain = errors.New("ask again")

// judge tells what is wrong with an answer. An interruption is not.
func (p *prompt) judge(err error) error {
	if err == nil || errors.Is(err, errStopped) || p.ctx.Err() != nil {
		return err
	}
	fmt.Fprintf(p.say, "  %s\n", oneLine(err.Error()))
	if hint, ok := crm.Hint(err); ok && hint != "" {
		fmt.Fprintf(p.say, "  %s\n", oneLine(hint))
	}
	return errAgain
}

// number reads the number of one of n lines.
func number(answer string, n int) (int, error) {
	i, err := strconv.Atoi(answer)
	if err != nil || i < 1 || i > n {
		return 0, fmt.Errorf("%q is none of the numbers 1 to %d", answer, n)
	}
	return i - 1, nil
}

// confirm asks a question that Enter affirms.
func (p *prompt) confirm(question string) (bool, error) {
	yes := false
	err := p.ask(question, "y", "Y/n", func(answer string) error {
		switch strings.ToLower(answer) {
		case "y", "yes":
			yes = true
		case "n", "no":
		default:
			return fmt.Errorf("%q is neither y nor n", answer)
		}
		return nil
	})
	return yes, err
}
