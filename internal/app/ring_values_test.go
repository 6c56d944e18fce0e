package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestNothingSecretIsLogged(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		log := &diary{}
		s.logs = log
		var urls []string
		s.change = func(c *config.Config) { urls = append(urls, c.Slack.Channels[config.DefaultChannel].Reveal()) }
		known, unknown := s.notion.AddPerson("Canary Known", "canary-known@example.com"), s.notion.AddPerson("Canary Unknown", "canary-unknown@example.com")
		s.slack.AddMember("Canary Known", "canary-known@example.com")
		var deals []string
		for i := range 12 {
			deals = append(deals, s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": fmt.Sprint("Canary Deal ", i), "Stage": "Lead", "Value": 8374651}))
		}
		s.start()
		time.Sleep(time.Minute)
		for i, fault := range []sandbox.Fault{
			"", sandbox.RateLimited, sandbox.InternalError, sandbox.BadGatewayHTML, sandbox.Unavailable,
			sandbox.ResetBefore, sandbox.ResetAfter, sandbox.HangBefore, sandbox.Truncated, sandbox.GatewayTimeout,
		} {
			s.slack.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Nth: 1, Fault: fault}, {Nth: 2, Fault: fault}}})
			s.notion.EditRow(deals[i], map[string]any{"Stage": "Negotiation", "Owner": []string{known, unknown}})
			s.deliver(time.Second)
			time.Sleep(20 * time.Minute)
		}
		s.slack.SetFaults(sandbox.Faults{})
		refuse := func(*http.Request) (int, string) { return http.StatusBadRequest, "invalid_payload" }
		s.phone.twist.Store(&refuse)
		s.notion.EditRow(deals[11], map[string]any{"Stage": "Negotiation"})
		s.deliver(time.Minute)
		s.phone.twist.Store(nil)
		s.slack.SetToken("another")
		s.slack.Revoke(urls[0])
		time.Sleep(24 * time.Hour) // look-ups are asked for anew
		s.notion.EditRow(deals[10], map[string]any{"Stage": "Negotiation", "Owner": []string{known, unknown}})
		s.deliver(time.Minute)
		s.crash()
		time.Sleep(time.Minute)
		s.stop()
		secrets := []string{"xoxb-sandbox", "hooks.slack.com", "/services/", "canary-known", "canary-unknown", "Canary Known", "Canary Deal", "8374651", "8,374,651", "In negotiation"}
		for _, url := range urls {
			secrets = append(secrets, url[strings.LastIndex(url, "/"):])
		}
		for _, word := range secrets {
			if n := log.count(word); n != 0 {
				at := strings.Index(log.all.String(), word)
				t.Errorf("the log holds %q %d times: …%s…", word, n, log.all.String()[max(0, at-300):min(log.all.Len(), at+100)])
			}
		}
		if log.count(`"level":"DEBUG"`) == 0 || log.count("a channel of Slack takes no messages; they wait") == 0 {
			t.Error("the log holds nothing")
		}
	})
}

// hostile returns values that want to be more than values.
func hostile(n int) (values []string) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{
		"<!channel>", "<!here>", "<!everyone>", "<!subteam^S0123456789>", "<@U0123456789>", "<#C0123456789>", "&lt;!here&gt;", "&amp;lt;!channel&amp;gt;",
		"<https://evil.example|click>", "https://evil.example/?a=<b>&c=d", "@here", "@channel", "\n", "\r\n", "\u2028", "\u0085", "\v", "\t", "\x00",
		"\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "😀", "👩‍👩‍👧", "🇩🇪", "*", "_", "~", "`", "```", "> quote", "• ", "{{title}}", "%!s(MISSING)", "{0}", "<", ">", "&", "|",
		"<@11111111-1111-1111-1111-111111111111>", "<!date^1392734382^{date}|x>", strings.Repeat("long ", 1000), strings.Repeat("<!here>", 700), "Acme",
	}
	for i := range n {
		value := parts[i%len(parts)]
		for range i / len(parts) {
			value += parts[random.IntN(len(parts))]
		}
		values = append(values, value)
	}
	return values
}

func TestHostileValuesRingNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	const deals = 500
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		s.change = func(c *config.Config) { c.Notion.Rate = 50 }
		values := hostile(deals)
		var pages []string
		for i, value := range values {
			owner := s.notion.AddPerson(values[len(values)-1-i], fmt.Sprint(i, "@example.com"))
			pages = append(pages, s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": value, "Stage": "Lead", "Owner": []string{owner}}))
		}
		s.start()
		time.Sleep(10 * time.Minute)
		for i, page := range pages {
			s.notion.EditRow(page, map[string]any{"Stage": "Negotiation"})
			if i%100 == 99 { // so that some are lists, and some single messages
				time.Sleep(6 * time.Minute)
			}
		}
		for _, page := range pages[:5] {
			s.notion.EditRow(page, map[string]any{"Stage": "Lost"})
			time.Sleep(6 * time.Minute)
		}
		synctest.Wait()
		lines := 0
		for _, text := range s.rings() {
			if pings := sandbox.Pings(text); len(pings) > 0 || len(text) > 12_000 {
				t.Errorf("%d bytes that ping %q", len(text), pings)
			}
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(strings.TrimPrefix(line, "• "), "\n")
				switch {
				case strings.HasPrefix(line, "🤝 In negotiation: *"), strings.HasPrefix(line, "💔 Deal lost: *"):
					lines++
				case !strings.HasSuffix(line, " at once:"):
					t.Errorf("a line of its own: %q", line)
				}
			}
		}
		if lines != deals+5 {
			t.Errorf("%d lines, want %d", lines, deals+5)
		}
		s.stop()
	})
}
