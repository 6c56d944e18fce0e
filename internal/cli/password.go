package cli

import (
	"bufio"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/web"
)

type passwordCommand struct {
	Link bool `help:"Print a link by which the password can be set in a browser instead: once, within 24 hours."`
}

// Help implements kong.HelpProvider.
func (passwordCommand) Help() string {
	return "Asks for it on a terminal, else reads the first line of standard input. Whoever is logged in has to log in again. " +
		"A running daemon takes the new password at once."
}

// Run sets the dashboard's password, or lets somebody set it.
func (c *passwordCommand) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	if c.Link {
		path, err := web.SetupPath(s.ctx, db)
		if err != nil {
			return fmt.Errorf("make a setup link: %w", err)
		}
		fmt.Fprintln(s.Stdout, settings.Dashboard(settings.AdminListen)+path.Reveal())
		return nil
	}
	password, err := c.ask(s)
	if err != nil {
		return err
	}
	hash, err := web.HashPassword(password)
	if err != nil {
		return &usageError{err, "a few words that do not belong together are easy to remember"}
	}
	if err := db.SetPassword(s.ctx, hash); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	fmt.Fprintln(s.Stdout, "the password was set; whoever was logged in is no longer")
	return nil
}

// ask reads the password: twice from somebody who cannot see it, else once.
func (c *passwordCommand) ask(s *session) (secret.String, error) {
	file, ok := s.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(s.Stdin, 64<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return secret.String{}, fmt.Errorf("read password: %w", err)
		}
		return secret.New(strings.TrimRight(line, "\r\n")), nil
	}
	var said [2]string
	for i, question := range []string{"New password: ", "The same again: "} {
		var err error
		if said[i], err = unseen(s, int(file.Fd()), question); err != nil {
			return secret.String{}, err
		}
	}
	if subtle.ConstantTimeCompare([]byte(said[0]), []byte(said[1])) != 1 {
		return secret.String{}, &usageError{errors.New("the two passwords are not the same"), "nothing was changed; try again"}
	}
	return secret.New(said[0]), nil
}

// unseen reads a line from a terminal that does not show it.
func unseen(s *session, terminal int, question string) (string, error) {
	state, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	fmt.Fprint(s.Stderr, question)
	text, err := typed(s.ctx, func() (string, error) {
		line, err := term.ReadPassword(terminal)
		return string(line), err
	})
	fmt.Fprintln(s.Stderr)
	if errors.Is(err, errStopped) {
		_ = term.Restore(terminal, state) // who reads may still have it
		return "", errors.New("stopped; the password is as it was")
	}
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return text, nil
}
