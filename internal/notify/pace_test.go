package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/dealbell/dealbell/internal/crm"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

// messages reads "won@0 won@1.5→3 #stale@2×4": of a rule, made at a second, and
// sent at one; so many of them. One in brackets was sent in a list, and "#won"
// is a digest of that name.
func messages(t *testing.T, text string) []crm.Message {
	t.Helper()
	var found []crm.Message
	for word := range strings.FieldsSeq(text) {
		word, times, _ := strings.Cut(word, "×")
		for range int(number(t, cmp.Or(times, "1"))) {
			found = append(found, message(t, int64(len(found)+1), word))
		}
	}
	return found
}

func message(t *testing.T, id int64, word string) crm.Message {
	t.Helper()
	m := crm.Message{ID: id, Change: id, Text: word}
	if listed, ok := strings.CutPrefix(word, "("); ok {
		m.With, word = 1, strings.TrimSuffix(listed, ")")
	}
	rule, times, _ := strings.Cut(word, "@")
	made, sent, _ := strings.Cut(times, "→")
	if m.Rule = strings.TrimPrefix(rule, "#"); m.Rule != rule {
		m.Change = 0
	}
	m.CreatedAt = at(number(t, made))
	if sent != "" {
		m.SentAt = at(number(t, sent))
	}
	return m
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (s step) String() string {
	switch {
	case len(s.send) == 0:
		return fmt.Sprint("wait until ", s.wait.Sub(noon).Seconds())
	case strings.HasPrefix(s.text, fmt.Sprint(len(s.send), " at once:")):
		return fmt.Sprintf("list %d from %s", len(s.send), s.send[0].Text)
	}
	return "send " + s.text
}

func TestWhatIsSentNext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		now             float64
		waiting, recent string
		want            string
	}{
		{"one message goes at once", 0, "won@0", "", "send won@0"},
		{"and so does one of another rule", 1, "lost@1", "won@0→0", "send lost@1"},
		{"a channel takes one a second", 0.4, "won@0", "lost@0→0.1", "wait until 1.1"},
		{"counted from the last", 1.5, "won@0", "lost@0→0 lost@0→1", "wait until 2"},
		{"a second one close behind waits for more", 1, "won@1", "won@0→0", "wait until 3"},
		{"until its rule is quiet", 3, "won@1", "won@0→0", "send won@1"},
		{"one that is not close behind does not", 2, "won@2", "won@0→0", "send won@2"},
		{"two of one moment wait for more", 0, "won@0×2", "", "wait until 2"},
		{"each further one prolongs it", 2, "won@0 won@1.5", "", "wait until 3.5"},
		{"up to a window", 9.5, "won@0 won@9.5", "", "wait until 10"},
		{"and no longer", 10, "won@0 won@9.5", "", "send won@0"},
		{"five of a burst go one by one", 2, "won@0×5", "", "send won@0"},
		{"to the last of them", 6, "won@0", "won@0→2 won@0→3 won@0→4 won@0→5", "send won@0"},
		{"six of them are a list", 2, "won@0×6", "", "list 6 from won@0"},
		{"also when one of them is out already", 3, "won@1×5", "won@0→0", "list 5 from won@1"},
		{"those of a list are one post", 15, "won@12×4", "won@0→10 (won@0→10)×5", "send won@12"},
		{"a sixth waits until the first is old", 9, "won@9", "won@0→0 won@2→2 won@4→4 won@6→6 won@8→8", "wait until 10"},
		{"and goes then", 10, "won@9", "won@0→0 won@2→2 won@4→4 won@6→6 won@8→8", "send won@9"},
		{"a sixth and a seventh are a list", 11.5, "won@9 won@9.5", "won@1.5→1.5 won@2→2 won@4→4 won@6→6 won@8→8", "list 2 from won@9"},
		{"a held burst does not hold another rule", 1, "won@0×2 lost@1", "", "send lost@1"},
		{"nor a digest", 1, "won@0×2 #stale@1", "", "send #stale@1"},
		{"of two held bursts the first to end counts", 1, "won@0 won@1 lost@0×2", "", "wait until 2"},
		{"digests are never held", 0, "#stale@0×6", "", "send #stale@0"},
		{"nor part of the burst of a rule of their name", 0, "won@0 #won@0", "", "send won@0"},
		{"nor counted", 12, "won@12", "#won@1→8 #won@1→9 #won@1→10 #won@1→11 won@6→6", "send won@12"},
		{"rules take turns by age", 9, "lost@1 won@2", "", "send lost@1"},
		{"a clock that was set back does not silence a channel", 0, "won@0", "lost@3600→3600", "send won@0"},
		{"nor hold a burst", 0, "won@3600×2", "", "send won@3600"},
	} {
		got := next(at(test.now), messages(t, test.waiting), messages(t, test.recent)).String()
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

func TestWhatIsTooLongIsCutWithALink(t *testing.T) {
	t.Parallel()
	const page = "12345678-1234-1234-1234-123456789012"
	const more = "… <https://www.notion.so/12345678123412341234123456789012|more>"
	long := crm.Message{ID: 1, Change: 1, Rule: "won", Page: page, Text: strings.Repeat("wörd ", 2000), CreatedAt: noon}
	if text := next(noon, []crm.Message{long}, nil).text; units(text) > longest || !strings.HasSuffix(text, more) {
		t.Errorf("%d characters that end %q", units(text), text[len(text)-80:])
	}
	burst := slices.Repeat([]crm.Message{long}, 100)
	for i := range burst {
		burst[i].ID, burst[i].Change = int64(i), int64(i+1)
	}
	posts, now := 0, noon.Add(window)
	var sent []crm.Message
	for waiting := burst; len(waiting) > 0; posts++ {
		do := next(now, waiting, sent)
		if len(do.send) == 0 {
			now = do.wait
			posts--
			continue
		}
		if units(do.text) > longestList {
			t.Errorf("a list of %d characters", units(do.text))
		}
		if n := strings.Count(do.text, more); n != len(do.send) {
			t.Errorf("%d links for %d messages", n, len(do.send))
		}
		for i, m := range do.send {
			if m.ID != waiting[i].ID {
				t.Errorf("message %d comes in place of %d", m.ID, waiting[i].ID)
			}
			if m.SentAt = now; i > 0 {
				m.With = do.send[0].ID
			}
			sent = append(sent, m)
		}
		waiting = waiting[len(do.send):]
	}
	if posts < 3 || posts > 5 {
		t.Errorf("%d posts for 100 messages of 300 characters each, want as few as fit", posts)
	}
}
