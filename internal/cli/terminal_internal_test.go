package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lmittmann/tint"
)

// The log for people is coloured, so it cannot go through a terminal; and its
// library lets escape sequences of values pass.
func TestAColouredLogHasNoColoursButItsOwn(t *testing.T) {
	t.Parallel()
	const trick = "\x1b[2J\x1b]0;x\x07\u009b31m\r\nERR forged\u202e\x7f\xff"
	var out bytes.Buffer
	log := slog.New(tint.NewTextHandler(&out, &tint.Options{Level: slog.LevelDebug, ReplaceAttr: shown}))
	log.With("component", trick).Error("a message", "error", errors.New(trick), "text", trick, "bytes", []byte(trick), "any", struct{ A string }{trick}, slog.Group("g", "b", trick))
	log.Info("short", "error", errors.New("\x1b[31m"), "text", "\x1b[31m")
	own := regexp.MustCompile("\x1b\\[[0-9;]*m")
	said := strings.Split(strings.TrimSuffix(own.ReplaceAllString(out.String(), ""), "\n"), "\n")
	if len(said) != 2 || strings.ContainsAny(strings.Join(said, ""), "\x1b\x07\r\x7f\u009b\u202e") || !utf8.ValidString(out.String()) {
		t.Errorf("got %q, want two lines and nothing hidden", said)
	}
	if !strings.Contains(out.String(), `\u001b[31m`) {
		t.Errorf("a sequence that looks like the log's own got through: %q", out.String())
	}
}
