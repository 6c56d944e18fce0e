package notify

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	ana = "11111111-1111-1111-1111-111111111111"
	bob = "22222222-2222-2222-2222-222222222222"
)

func anaOf(email string) crm.Person { return crm.Person{ID: ana, Name: "Ana", Email: email} }

func TestHowAPersonIsMentioned(t *testing.T) {
	t.Parallel()
	known, nameless := []crm.Person{anaOf("ana@example.com")}, []crm.Person{anaOf("")}
	told := directory{people: map[string]crm.Person{ana: anaOf("ana@example.com")}}
	member := map[string]string{"ana@example.com": "U1"}
	all := map[string]string{"ana": "U7", "ana@example.com": "U8", ana: "U9"}
	scope := crm.WithHint(crm.ErrForbidden, "add the scope users:read.email")
	for _, test := range []struct {
		name    string
		people  []crm.Person // that pages showed
		notion  directory
		slack   *phone
		members map[string]string
		want    string
		asked   int // Slack, in two messages
		notions int // Notion, likewise
		warned  int
	}{
		{"by email, which is looked up once", known, directory{}, &phone{token: true, members: member}, nil, "hello <@U1>", 1, 0, 0},
		{"by name when Slack does not know the email, which is looked up once", known, directory{}, &phone{token: true}, nil, "hello Ana", 1, 0, 0},
		{"by name without a token", known, directory{}, &phone{members: member}, nil, "hello Ana", 0, 0, 0},
		{"by name while Slack is down, asking it once", known, directory{}, &phone{token: true, trouble: down}, nil, "hello Ana", 1, 0, 1},
		{"by name while a scope is missing, warning once", known, directory{}, &phone{token: true, trouble: scope}, nil, "hello Ana", 1, 0, 1},
		{"by the id in the configuration", nil, directory{}, &phone{token: true}, map[string]string{strings.ReplaceAll(ana, "-", ""): "U9"}, "hello <@U9>", 0, 0, 0},
		{"by the email in the configuration", known, directory{}, &phone{token: true}, map[string]string{" ANA@example.com": "U9"}, "hello <@U9>", 0, 0, 0},
		{"by the name in the configuration", known, directory{}, &phone{token: true}, map[string]string{"ana": "U9"}, "hello <@U9>", 0, 0, 0},
		{"by the id before the email before the name", known, directory{}, &phone{token: true}, all, "hello <@U9>", 0, 0, 0},
		{"by the email before the name", known, directory{}, &phone{token: true}, map[string]string{"ana": "U7", "ana@example.com": "U8"}, "hello <@U8>", 0, 0, 0},
		{"by an email that Notion tells when asked", nameless, told, &phone{token: true, members: member}, nil, "hello <@U1>", 1, 1, 0},
		{"by a configured email that Notion tells when asked", nil, told, &phone{token: true}, map[string]string{"ana@example.com": "U9"}, "hello <@U9>", 0, 1, 0},
		{"by a name that Notion tells without the email, asking it once", nil, directory{people: map[string]crm.Person{ana: anaOf("")}}, &phone{token: true}, nil, "hello Ana", 0, 1, 0},
		{"by the name that a page shows while Notion is down, asking it once", nameless, directory{trouble: down}, &phone{token: true}, nil, "hello Ana", 0, 1, 0},
		{"not at all when nobody knows them", nil, directory{}, &phone{token: true}, nil, "hello (somebody)", 0, 1, 0},
		{"nor when Notion does not tell", nil, directory{trouble: crm.ErrForbidden}, &phone{token: true}, nil, "hello (somebody)", 0, 1, 0},
		{"by a name that does no harm", []crm.Person{{ID: ana, Name: "<!channel>\n&", Email: "a"}}, directory{}, &phone{}, nil, "hello &lt;!channel&gt; &amp;", 0, 0, 0},
		{"by a name of the mention's length at most", []crm.Person{{ID: ana, Name: strings.Repeat("Ana ", 50), Email: "a"}}, directory{}, &phone{}, nil, "hello " + strings.Repeat("Ana ", 8) + "Ana…", 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				*w.notion, w.o.Members = test.notion, test.members
				w.slack.token, w.slack.members, w.slack.trouble = test.slack.token, test.slack.members, test.slack.trouble
				w.restart()
				w.apply(crm.Commit{People: test.people})
				for range 2 {
					w.say("hello <@" + ana + ">")
					pass(30 * time.Second)
				}
				w.heard("0 sales: "+test.want, "30 sales: "+test.want)
				if len(w.slack.asked) != test.asked || w.notion.asked != test.notions {
					t.Errorf("Slack was asked for %q, Notion %d times", w.slack.asked, w.notion.asked)
				}
				if got := w.logged("WARN"); got != test.warned || errors.Is(test.slack.trouble, crm.ErrForbidden) && w.logged("users:read.email") != 1 {
					t.Errorf("the log has %d warnings, want %d: %s", got, test.warned, w.log.String())
				}
			})
		})
	}
}

// say sends a text about a change.
func (w *world) say(text string) {
	w.Helper()
	w.made++
	w.apply(crm.Commit{
		Messages: []crm.Message{{Channel: "sales", Rule: "won", Change: w.made, Text: text}},
		Jobs:     []crm.Job{SendJob("sales", time.Time{})},
	})
}

func TestALookUpHoldsForADay(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.slack.token, w.slack.members = true, map[string]string{"ana@example.com": "U1"}
		w.apply(crm.Commit{People: []crm.Person{anaOf("ana@example.com"), {ID: bob, Name: "Bob", Email: "bob@example.com"}}})
		for _, step := range []struct {
			pass  time.Duration
			asked int
			want  string
		}{
			{0, 2, "<@U1> Bob"},
			{24*time.Hour - time.Minute, 2, "<@U1> Bob"},
			{2 * time.Minute, 4, "<@U2> <@U3>"},
			{25 * time.Hour, 5, "<@U2> <@U3>"}, // Slack is down: what was known holds
		} {
			pass(step.pass)
			w.restart()
			w.slack.heard = nil
			w.say("<@" + ana + "> <@" + bob + ">")
			synctest.Wait()
			if len(w.slack.heard) != 1 || !strings.HasSuffix(w.slack.heard[0], ": "+step.want) || len(w.slack.asked) != step.asked {
				t.Errorf("after %v Slack heard %q and was asked for %q", step.pass, w.slack.heard, w.slack.asked)
			}
			w.slack.members = map[string]string{"ana@example.com": "U2", "bob@example.com": "U3"}
			if step.asked == 4 {
				w.slack.trouble = down
			}
		}
	})
}

func TestWhenSlackAnswersAgainItIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trouble error
		pause   time.Duration
	}{
		"it was down":         {down, time.Minute},
		"it asked to wait":    {slow, 30 * time.Second},
		"a scope was missing": {crm.ErrForbidden, 15 * time.Minute},
	} {
		inWorld(t, func(w *world) {
			w.slack.token, w.slack.trouble, w.slack.members = true, test.trouble, map[string]string{"ana@example.com": "U1"}
			w.apply(crm.Commit{People: []crm.Person{anaOf("ana@example.com")}})
			for range 3 {
				w.say("<@" + ana + ">")
				pass(test.pause)
			}
			if n := w.logged("WARN"); n != 1 || len(w.slack.asked) != 3 {
				t.Errorf("%s: Slack was asked %d times, the log has %d warnings:\n%s", name, len(w.slack.asked), n, w.log.String())
			}
			w.slack.trouble = nil
			w.say("<@" + ana + ">")
			pass(10 * time.Second)
			if last := w.slack.heard[len(w.slack.heard)-1]; !strings.HasSuffix(last, "<@U1>") {
				t.Errorf("%s: Slack heard %q", name, w.slack.heard)
			}
		})
	}
}

func TestADirectMessageFindsItsPerson(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		slack  *phone
		notion directory
		mended time.Duration // from then on, all is well
		want   []string
		state  crm.MessageState
	}{
		{"who is known", &phone{token: true}, directory{}, 0, []string{"0 U1: digest 1"}, crm.MessageSent},
		{"when Slack is up again", &phone{token: true, trouble: down}, directory{}, time.Hour, []string{"3600 U1: digest 1"}, crm.MessageSent},
		{"when Slack allows to look for them", &phone{token: true, trouble: crm.ErrForbidden}, directory{}, time.Hour, []string{"3600 U1: digest 1"}, crm.MessageSent},
		{"when Notion tells who it is", &phone{token: true}, directory{trouble: down}, time.Hour, []string{"3600 U1: digest 1"}, crm.MessageSent},
		{"unless Slack does not know them", &phone{token: true, members: map[string]string{}}, directory{}, time.Hour, nil, crm.MessageRefused},
		{"nor Notion", &phone{token: true}, directory{people: map[string]crm.Person{}}, time.Hour, nil, crm.MessageRefused},
		{"unless there is no token", &phone{}, directory{}, time.Hour, nil, crm.MessageRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.notion.trouble, w.notion.people = test.notion.trouble, test.notion.people
				if w.notion.people == nil {
					w.notion.people = map[string]crm.Person{ana: anaOf("ana@example.com")}
				}
				w.slack.token, w.slack.trouble, w.slack.members = test.slack.token, test.slack.trouble, test.slack.members
				if w.slack.members == nil {
					w.slack.members = map[string]string{"ana@example.com": "U1"}
				}
				w.put(PersonChannel(ana), "digest")
				pass(test.mended)
				w.slack.trouble, w.notion.trouble = nil, nil
				w.restart()
				pass(time.Minute)
				w.heard(test.want...)
				if m := w.outbox()[1]; m.State != test.state || test.state == crm.MessageRefused && (w.logged("SLACK_BOT_TOKEN") != 1 || m.Reason == "") {
					t.Errorf("the message ends %+v:\n%s", m, w.log.String())
				}
			})
		})
	}
}
