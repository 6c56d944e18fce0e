package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/setup"
	"github.com/dealbell/dealbell/internal/store"
)

// terminal is dealbell on a pseudo-terminal, with somebody who reads along.
type terminal struct {
	t      *testing.T
	screen *os.File
	ended  chan error

	mu   sync.Mutex
	seen bytes.Buffer
	read int // what expect has passed
}

// sit starts dealbell init at a terminal, with the files in dir.
func sit(t *testing.T, w *workspace, dir string, args ...string) *terminal {
	t.Helper()
	server := httptest.NewServer(w.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return sitAt(t, "DEALBELL_NOTION_URL="+server.URL, append([]string{"init", "--dir", dir}, args...)...)
}

// sitAt starts dealbell at a terminal, with one variable. What stands behind
// a > is the file that gets its standard output.
func sitAt(t *testing.T, variable string, args ...string) *terminal {
	t.Helper()
	program, err := exec.LookPath("dealbell") // as testscript has put it there
	if err != nil {
		t.Fatal(err)
	}
	to := ""
	if i := slices.Index(args, ">"); i >= 0 {
		to, args = args[i+1], args[:i]
	}
	command := exec.CommandContext(t.Context(), program, args...)
	if to != "" {
		file, err := os.Create(to)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close() // the command has its own
		command.Stdout = file
	}
	command.Env = []string{"TERM=xterm", "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir(), variable}
	screen, err := pty.StartWithSize(command, &pty.Winsize{Rows: 50, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{t: t, screen: screen, ended: make(chan error, 1)}
	go s.watch()
	go func() { s.ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		screen.Close()
	})
	return s
}

func (s *terminal) watch() {
	buffer := make([]byte, 4096)
	for {
		n, err := s.screen.Read(buffer)
		s.mu.Lock()
		s.seen.Write(buffer[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// controls move the cursor, or switch modes of the terminal.
var controls = regexp.MustCompile(`\x1b\[[?0-9;]*[A-Za-z]|\r`)

func (s *terminal) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return controls.ReplaceAllString(s.seen.String(), "")
}

// expect waits until something new on the screen matches, and returns what
// came before its end.
func (s *terminal) expect(pattern string) string {
	s.t.Helper()
	r := regexp.MustCompile("(?s)" + pattern)
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		text := s.text()
		if at := r.FindStringIndex(text[s.read:]); at != nil {
			part := text[s.read:][:at[1]]
			s.read += at[1]
			return part
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the screen never shows %s after:\n%s", pattern, text[s.read:])
		}
	}
}

func (s *terminal) write(keys string) {
	s.t.Helper()
	if _, err := s.screen.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// answer waits for a question and types a line.
func (s *terminal) answer(question, line string) {
	s.t.Helper()
	s.expect(question)
	s.write(line + "\r")
}

// exit waits for the end and returns the exit code.
func (s *terminal) exit() int {
	s.t.Helper()
	select {
	case err := <-s.ended:
		if ended, ok := errors.AsType[*exec.ExitError](err); ok {
			return ended.ExitCode()
		}
		if err != nil {
			s.t.Fatal(err)
		}
		return 0
	case <-time.After(patience):
		s.t.Fatalf("it does not end:\n%s", s.text())
		return -1
	}
}

const (
	askToken   = `Secret of the connection: $`
	askWhich   = `Number, or the link of a (database|page) \[(\d)\]: $`
	askRight   = `number of a line to correct \[right\]: $`
	askSlack   = `URL of the webhook \[none\]: $`
	askAddress = `Its address \[none( yet)?\]: $`
	askAgree   = `Do this\? \[Y/n\]: $`
)

func TestAPersonSetsDealbellUp(t *testing.T) {
	t.Parallel()
	w, dir := newcomer("german"), filepath.Join(t.TempDir(), "crm")
	slack := sandbox.NewSlack(sandbox.SlackOptions{})
	server := httptest.NewServer(slack.Handler())
	t.Cleanup(server.Close)
	webhook := server.URL + strings.TrimPrefix(slack.Webhook("sales"), "https://hooks.slack.com")
	s := sit(t, w, dir)

	// The secret is pasted with spaces and line breaks, after two that are wrong.
	s.answer(askToken, "https://www.notion.so/profile")
	s.expect(`that is no secret of a Notion connection.*copy it anew`)
	s.answer(askToken, "ntn_thisisanotherone")
	s.expect(`notion does not accept the secret`)
	s.expect(askToken)
	s.write("\x1b[200~ \r " + initToken + " \r\r\x1b[201~\r")
	s.expect(`Connected as "Dealbell" in the workspace "Sandbox"`)

	// A number that is none, a link to nothing, then the first of the list.
	s.expect(`1  Kontakte \(.*2  Newsletter`)
	s.answer(askWhich, "9")
	s.expect(`"9" is none of the numbers 1 to 4`)
	s.answer(askWhich, "https://www.notion.so/acme/01234567-89ab-4def-8123-456789abcdef")
	s.expect(`no database with this id or link is shared.*add the connection`)
	s.answer(askWhich, "")

	// One property is corrected, by its name in a wrong spelling first.
	s.expect(`3  Company +Firma: GmbH +rich text`)
	s.answer(askRight, "3")
	s.answer(`Company is \[Firma: GmbH\]: $`, "Brache")
	s.expect(`no fitting property "Brache".*did you mean "Branche"`)
	s.answer(`Company is \[Firma: GmbH\]: $`, "branche")
	s.expect(`3  Company +Branche`)
	s.answer(askRight, "5")
	s.expect(`1  Neu.*2  Kunde.*3  none`)
	s.answer(`New lead is \[Neu\]: $`, "2")
	s.answer(askRight, "")

	s.answer(askWhich, "") // Vertrieb
	s.answer(askRight, "")
	s.answer(`4\. Activities.*`+askWhich, "")
	s.answer(askSlack, "hooks.slack.com")
	s.expect(`that is not the URL of an incoming webhook`)
	s.answer(askSlack, server.URL+"/services/T0/B0/canary")
	s.expect(`ask Slack about channel "default"`)
	s.answer(askSlack, webhook)
	s.answer(askAddress, "crm.example.com")
	s.answer(askAddress, "")
	s.expect(`\+NOTION_TOKEN=«redacted» \(new\)`)
	s.answer(askAgree, "x")
	s.expect(`"x" is neither y nor n`)
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was written before anybody agreed")
	}
	s.answer(askAgree, "")
	s.expect(`FORM_SECRET=[0-9a-f]{64}\n.*webhook arm`)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(s.text(), "canary") || strings.Contains(s.text(), webhook) {
		t.Errorf("a secret was shown:\n%s", s.text())
	}
	if said := slack.Messages("sales"); len(said) > 0 {
		t.Errorf("the channel was disturbed: %v", said)
	}
	means(t, dir, w, webhook)
}

// means reads the files as the daemon does.
func means(t *testing.T, dir string, w *workspace, webhook string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, setup.EnvName))
	if err != nil {
		t.Fatal(err)
	}
	env := setup.ParseEnv(string(content))
	c, err := config.Load(config.Source{Getenv: env.Get})
	if err != nil {
		t.Fatal(err)
	}
	f := c.LeadForms()[lead.Website]
	if c.CheckServe() != nil || c.Contacts.ID != w.contacts.ID || c.Deals.ID != w.deals.ID || c.Activities.ID != "" || c.PublicURL != "https://crm.example.com" ||
		c.NotionToken.Reveal() != initToken || c.SlackWebhook.Reveal() != webhook ||
		f.Fields["company"] != "Branche" || f.Values["Phase"] != "Kunde" {
		t.Errorf("the files mean %+v, %+v", c, f)
	}
}

func TestALeavingPersonLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*terminal){
		"Ctrl-C at the secret": func(s *terminal) {
			s.expect(askToken)
			s.write("ntn_half\x03")
		},
		"Ctrl-D at a number": func(s *terminal) {
			s.answer(askToken, initToken)
			s.expect(askWhich)
			s.write("\x04")
		},
		"no at the end": func(s *terminal) {
			s.answer(askToken, initToken)
			s.answer(askWhich, "")      // make contacts
			s.answer(askWhich, "")      // on the page
			s.answer(askWhich, "None")  // no deals
			s.answer(askWhich, "")      // no activities
			s.answer(askSlack, "")      //
			s.answer(askAddress, "")    //
			s.answer(askAddress, "")    //
			s.answer(askAgree, "  No ") //
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, dir := newcomer("empty"), filepath.Join(t.TempDir(), "crm")
			s := sit(t, w, dir)
			leave(s)
			s.expect(`dealbell: error: stopped; nothing was written`)
			if code := s.exit(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("there are files")
			}
			if made := w.Databases(w.home); len(made) != 0 {
				t.Errorf("there are databases: %v", made)
			}
		})
	}
}

func TestWhatIsWrittenByHandMeanwhileIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, setup.YAMLName)
	s := sit(t, newcomer("german"), dir, "--deals", "none", "--activities", "none", "--site", "https://www.example.com", "--public-url", "crm.example.com")
	s.answer(askToken, initToken)
	s.answer(askWhich, "")
	s.answer(askRight, "")
	s.answer(askSlack, "")
	s.expect(askAgree)
	if err := os.WriteFile(file, []byte("# by hand\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.write("y\r")
	s.expect(`dealbell.yaml was changed in the meantime; nothing was written`)
	if code := s.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if content, err := os.ReadFile(file); string(content) != "# by hand\n" {
		t.Errorf("%q, %v, want what was written by hand", content, err)
	}
	if _, err := os.Stat(filepath.Join(dir, setup.EnvName)); err == nil {
		t.Error("the other file was written")
	}
}

func TestStepsThatGoToAFileHoldNoSecret(t *testing.T) {
	t.Parallel()
	dir, steps := t.TempDir(), filepath.Join(t.TempDir(), "steps")
	s := sit(t, newcomer("german"), dir, "--deals", "none", "--activities", "none", "--site", "https://www.example.com", "--public-url", "crm.example.com", ">", steps)
	s.answer(askToken, initToken)
	s.answer(askWhich, "")
	s.answer(askRight, "")
	s.answer(askSlack, "")
	s.answer(askAgree, "y")
	if code := s.exit(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	content, err := os.ReadFile(steps)
	if err != nil || !strings.Contains(string(content), "FORM_SECRET is in ") || strings.Contains(string(content), "FORM_SECRET=") {
		t.Errorf("%v, the steps are:\n%s", err, content)
	}
}

func TestAQuestionForAPasswordCanBeLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := sitAt(t, "DEALBELL_DATA="+dir, "password")
	s.expect(`New password: $`)
	s.write("half\x03")
	s.expect(`dealbell: error: stopped; the password is as it was`)
	if code := s.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
}

func TestWhatIsSharedMeanwhileIsSeen(t *testing.T) {
	t.Parallel()
	w := newcomer("german")
	for _, db := range []*sandbox.Database{w.contacts, w.deals} {
		w.UnshareDatabase(db)
	}
	w.Withhold(sandbox.InsertContent)
	s := sit(t, w, filepath.Join(t.TempDir(), "crm"), "--deals", "none", "--activities", "none", "--site", "https://www.example.com", "--public-url", "crm.example.com")
	s.answer(askToken, initToken)
	s.expect(`lacks a capability: Insert content.*tick it under Capabilities`)
	s.expect(`Press Enter to try again: $`)
	w.Withhold()
	s.write("\r")
	s.expect(`1  Newsletter \(.*3  look again`)
	w.ShareDatabase(w.contacts)
	s.answer(askWhich, "3")
	s.expect(`1  Kontakte`)
	s.answer(askWhich, "")
	s.answer(askRight, "")
	s.answer(askSlack, "")
	s.answer(askAgree, "y")
	s.expect(`data-dealbell="contact" action="https://crm.example.com/forms/contact"`)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
