package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// deal NAME STAGE [VALUE] adds a deal, or moves the one of that name, and
// sets $DEAL to its page.
func scriptDeal(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2 || len(args) == 3, "deal NAME STAGE [VALUE]")
	w := notionOf(ts)
	values := map[string]any{"Deal Name": args[0], "Stage": args[1]}
	if len(args) == 3 {
		values["Value"] = args[2]
	}
	for _, row := range w.Rows(w.deals) {
		if row.Values["Deal Name"] == args[0] {
			w.EditRow(row.ID, values)
			ts.Setenv("DEAL", row.ID)
			return
		}
	}
	ts.Setenv("DEAL", w.AddRow(w.deals, values))
}

// stale NAME EMAIL DAY adds a new lead that was last touched on a day.
func scriptStale(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "stale NAME EMAIL DAY")
	w := notionOf(ts)
	w.AddRow(w.contacts, map[string]any{"Name": args[0], "Email": args[1], "Status": "New lead", "Last Contacted": args[2]})
}

// slack starts a Slack and sets the environment that rings in it; slack
// REGEXP waits until its channel matches; ! slack REGEXP fails when it does.
func scriptSlack(ts *testscript.TestScript, neg bool, args []string) {
	w := notionOf(ts)
	if len(args) == 0 {
		w.slack = sandbox.NewSlack(sandbox.SlackOptions{})
		server := httptest.NewServer(w.slack.Handler())
		ts.Defer(server.Close)
		path := strings.TrimPrefix(w.slack.Webhook("sales"), "https://hooks.slack.com")
		ts.Setenv("SLACK_WEBHOOK_URL", server.URL+path)
		ts.Setenv("DEALBELL_SLACK_URL", server.URL+"/api/")
		ts.Setenv("NOTION_DEALS_DB_ID", w.deals.ID)
		return
	}
	usage(ts, false, len(args) == 1, "[!] slack [REGEXP]")
	pattern := compile(ts, args[0])
	some := func() bool {
		var texts []string
		for _, m := range w.slack.Messages("sales") {
			texts = append(texts, m.Text)
		}
		return pattern.MatchString(strings.Join(texts, "\n"))
	}
	switch {
	case !neg:
		await(ts, "a message that matches "+args[0], some)
	case some():
		ts.Fatalf("a message matches %s", args[0])
	}
}

// event STATUS sends the handshake of a new webhook subscription, which has to
// be answered with the status; event STATUS TYPE PAGE sends an event.
func scriptEvent(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 || len(args) == 3, "event STATUS [TYPE PAGE]")
	w := notionOf(ts)
	if len(args) == 1 {
		w.hook = w.Subscribe(sandbox.SubscriptionOptions{URL: "http://" + ts.Getenv("DEALBELL_LISTEN") + "/notion-webhook"})
		ts.Setenv("HOOK_TOKEN", w.hook.Token())
		err := w.hook.Verify(context.Background())
		if (err == nil) != (args[0] == "200") {
			ts.Fatalf("handshake: %v, want %s", err, args[0])
		}
		return
	}
	request, err := w.hook.Request(context.Background(), w.hook.Event(args[1], args[2]))
	ts.Check(err)
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	if !strings.HasPrefix(response.Status, args[0]) {
		ts.Fatalf("event: %s, want %s", response.Status, args[0])
	}
}
