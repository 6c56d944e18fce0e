package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/dealbell/dealbell/internal/cli"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// findings count what a payload did that no text may do.
type findings struct {
	t     *testing.T
	count map[string]int
}

func (f *findings) note(what, format string, args ...any) {
	if f.count[what]++; f.count[what] <= 3 {
		f.t.Errorf("%s: %.300s", what, fmt.Sprintf(format, args...))
	}
}

// injected runs a story in which all payloads were submitted as leads, and
// rings when somebody touches a contact.
func injected(t *testing.T, story func(s *sales, log *diary, all []string, leads int)) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		log := &diary{}
		s.logs = log
		s.notion.RetypeProperty(s.crm.Contacts, "Source", "status") // most values do not fit
		s.change = func(c *config.Config) {
			c.Rules["touched"] = rules.Spec{
				Database: "contacts", When: rules.When{Property: rules.List{"Status"}, Becomes: rules.List{"Contacted"}}, Channel: config.DefaultChannel,
				Text: `touched {{prop "Email"}}: *{{title}}* {{prop "Company"}} {{prop "Notes"}} {{link}} {{old}}`,
			}
			c.Digests["everybody"] = digest.Spec{Schedule: "09:00", Database: "contacts", Limit: 1000, Line: `line {{title}} {{prop "Company"}} {{link}}`, Text: "head"}
		}
		s.start()
		all := payloads()
		leads := 0
		for i := 0; i < len(all); leads++ {
			var places [5]string // each payload in all of them, or in one
			for place := range places {
				if places[place] = all[min(i, len(all)-1)]; !exhaustive() {
					i++
				}
			}
			if exhaustive() {
				i++
			}
			s.inject(leads, places)
		}
		s.settle(3 * time.Hour)
		story(s, log, all, leads)
	})
}

// exhaustive reports whether the rigs run at their full length.
func exhaustive() bool { return os.Getenv("DEALBELL_TORTURE") == "full" }

// inject submits payloads in every place that a form has.
func (s *sales) inject(i int, places [5]string) {
	s.t.Helper()
	for place, payload := range places { // they share a body of 64 KiB
		places[place] = payload[:min(len(payload), 12_000)]
	}
	fields := map[string]string{
		"email": fmt.Sprintf("p%d@example.com", i), "name": places[0], "company": places[1], "message": places[2], "utm_source": places[3],
		"x" + places[4][:min(len(places[4]), 200)]: "y",
	}
	var body strings.Builder
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(fields); err != nil {
		s.t.Fatal(err)
	}
	if answer := s.post("application/json", strings.ReplaceAll(body.String(), "SURROGATE", `\ud800x\udfff`)); answer.Code != 202 {
		s.t.Errorf("lead %d %.40q: %d %s", i, places, answer.Code, answer.Body)
	}
}

// touch lets somebody look after every contact, and waits until Slack has
// heard of all.
func (s *sales) touch() {
	for _, row := range s.contacts() {
		s.notion.EditRow(row.ID, map[string]any{"Status": "Contacted"})
		s.deliver(3 * time.Second)
	}
	time.Sleep(10 * time.Minute)
}

func TestNoPayloadIsMoreThanText(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of leads and messages")
	}
	injected(t, func(s *sales, log *diary, all []string, leads int) {
		f := &findings{t, map[string]int{}}
		if n := len(s.contacts()); n != leads {
			t.Errorf("%d contacts, want %d", n, leads)
		}
		s.touch()
		s.attached(func(db *store.DB) error {
			return db.Apply(context.Background(), crm.Commit{Jobs: []crm.Job{digest.Job("everybody", notify.ByHand+"now", time.Time{})}})
		})
		time.Sleep(10 * time.Minute)
		messages := s.checkSlack(f, leads)
		written := s.checkNotion(f)
		s.wait(all[:80])
		s.checkMetrics(f)
		s.stop()
		lines := checkLogLines(f, log)
		printed := s.checkTerminal(f)
		t.Logf("figure: S7 0 mentions, links, formulas, forged lines or raw control characters of %d payloads | %d in %d Slack messages, %d Notion writes, %d log lines, %d KB on the terminal, metrics | no seed, a list",
			len(all), len(f.count), messages, written, lines, printed>>10)
	})
}

// ownLink is the only markup in messages: to a page in Notion, labelled.
var ownLink = regexp.MustCompile(`<https://www\.notion\.so/[A-Za-z0-9%_.~/-]+(\?[^<>|\s]*)?\|[^<>]*>`)

// checkSlack finds markup that is not ours.
func (s *sales) checkSlack(f *findings, touched int) int {
	messages := s.slack.Messages("")
	heard := 0
	for _, m := range messages {
		text := m.Text
		rest := ownLink.ReplaceAllString(text, "")
		if i := strings.IndexAny(rest, "<>"); i >= 0 {
			f.note("markup in Slack", "%q", rest[i:])
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }); i >= 0 {
			f.note("control character in Slack", "%q", text)
		}
		for _, entity := range regexp.MustCompile(`&[^;]{0,5};?`).FindAllString(rest, -1) {
			if entity != "&amp;" && entity != "&lt;" && entity != "&gt;" {
				f.note("entity in Slack", "%q in %q", entity, text)
			}
		}
		for i, line := range strings.Split(text, "\n") {
			switch {
			case strings.HasPrefix(line, "touched p") && i == 0:
				heard++
			case strings.HasPrefix(line, "head") && i == 0, strings.HasPrefix(line, "line "+canaryWord) && i > 0, strings.HasPrefix(line, "…"):
			default:
				f.note("forged line in Slack", "%q in %q", line, text)
			}
		}
	}
	if heard != touched {
		f.note("missing in Slack", "%d of %d messages", heard, touched)
	}
	return len(messages)
}

// checkNotion finds rich text that is more than text.
func (s *sales) checkNotion(f *findings) (writes int) {
	for _, x := range s.notion.Transcript() {
		if x.Method != "POST" && x.Method != "PATCH" || !bytes.Contains(x.Body, []byte(canaryWord)) {
			continue
		}
		writes++
		var body any
		if err := json.Unmarshal(x.Body, &body); err != nil {
			f.note("broken JSON to Notion", "%v in %s", err, x.Body)
		}
		walk(body, func(object map[string]any) {
			for _, key := range []string{"mention", "equation", "link", "href", "external", "embed"} {
				if v, has := object[key]; has && v != nil {
					f.note("markup in Notion", "%s in %s", key, x.Body)
				}
			}
			if kind, _ := object["type"].(string); kind != "" && !slices.Contains([]string{"text", "paragraph", "data_source_id"}, kind) {
				f.note("markup in Notion", "type %q in %s", kind, x.Body)
			}
			if content, has := object["content"].(string); has && strings.ContainsFunc(content, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
				f.note("control character in Notion", "%q", content)
			}
		})
	}
	if writes == 0 {
		f.note("missing in Notion", "no write holds a payload")
	}
	return writes
}

// walk visits all objects of a JSON value.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

var metricLine = regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .*|(dealbell|go|process)_[a-z_]+(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? [0-9.e+-]+)$`)

func (s *sales) checkMetrics(f *findings) {
	text := s.ask("/metrics", "").Body.String()
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !metricLine.MatchString(line) || strings.Contains(line, canaryWord) {
			f.note("forged metric", "%q", line)
		}
	}
}

func checkLogLines(f *findings, log *diary) int {
	lines := strings.Split(strings.TrimSpace(log.all.String()), "\n")
	for _, line := range lines {
		var entry struct{ Time, Level, Msg, Component string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Time == "" || entry.Component == "" || strings.Contains(line, canaryWord) {
			f.note("forged log line", "%q", line)
		}
	}
	return len(lines)
}

// wait submits payloads while Notion is away, so that commands show them.
func (s *sales) wait(all []string) {
	s.notion.SetUnreachable(true)
	for i, payload := range all {
		s.inject(10_000+i, [5]string{payload, payload, payload, payload, payload})
	}
	s.post("application/json", "not even "+all[0], "X-Form-Signature", "sha256=00")
	time.Sleep(time.Minute)
}

// checkTerminal runs the commands that show what strangers sent.
func (s *sales) checkTerminal(f *findings) (printed int) {
	all := ""
	for _, args := range []string{"status", "status --json", "replay", "replay --all", "jobs list", "jobs list --json"} {
		all += s.command(strings.Split(args, " ")...)
	}
	for _, j := range s.jobs("") {
		all += s.command("jobs", "show", fmt.Sprint(j.ID)) + s.command("jobs", "show", "--json", fmt.Sprint(j.ID))
	}
	if i := strings.IndexFunc(all, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }); i >= 0 {
		f.note("raw on the terminal", "%q", all[max(0, i-50):min(len(all), i+50)])
	}
	if !strings.Contains(all, canaryWord) {
		f.note("missing on the terminal", "no payload is shown")
	}
	return len(all)
}

// command returns what a command prints.
func (s *sales) command(args ...string) string {
	env := map[string]string{"DEALBELL_DATA": s.dir, "DEALBELL_CONFIG": os.DevNull, "FORM_SECRET": formSecret, "NOTION_TOKEN": "token", "NOTION_CONTACTS_DB_ID": s.crm.Contacts.ID}
	var out bytes.Buffer
	cli.Main(context.Background(), cli.Env{Args: args, Stdout: &out, Stderr: &out, Getenv: func(k string) string { return env[k] }})
	return out.String()
}
