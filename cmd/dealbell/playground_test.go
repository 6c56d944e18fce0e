package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/dealbell/dealbell/internal/chromium"
)

// playground runs "dealbell demo" until the test ends, and returns its page.
func playground(t *testing.T) (url string) {
	t.Helper()
	printed, stdout := io.Pipe()
	command := exec.Command("dealbell", "demo") // this test's binary, see TestMain
	command.Stdout, command.Stderr = stdout, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- command.Wait()
		stdout.Close()
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the demo ended with %v, want 0", err)
			}
		case <-time.After(patience):
			_ = command.Process.Kill()
			t.Error("the demo does not end")
		}
	})
	link := regexp.MustCompile(`playground +(http://127\.0\.0\.1:\d+/)(?s:.*)Ctrl-C`)
	var text strings.Builder
	for chunk := make([]byte, 4096); ; {
		n, err := printed.Read(chunk)
		text.Write(chunk[:n])
		if found := link.FindStringSubmatch(text.String()); found != nil {
			go io.Copy(io.Discard, printed)
			return found[1]
		}
		if err != nil {
			t.Fatalf("the demo printed %q and ended: %v", text.String(), err)
		}
	}
}

// visit opens a page in a tab of its own. What its scripts complain about
// fails the test.
func visit(ctx context.Context, t *testing.T, url string) context.Context {
	t.Helper()
	ctx, leave := chromedp.NewContext(ctx)
	listening, deaf := context.WithCancel(ctx)
	messages, heard := chromedp.Console(listening), make(chan struct{})
	go func() {
		defer close(heard)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type != chromedp.ConsoleLog && m.Type != chromedp.ConsoleInfo && m.Type != chromedp.ConsoleDebug {
				t.Errorf("%s says in its console: %s", url, m)
			}
		}
	}()
	t.Cleanup(func() {
		deaf()
		<-heard
		leave()
	})
	do(ctx, t, "open "+url, chromedp.EmulateViewport(1440, 1300), chromedp.Navigate(url))
	return ctx
}

// do works in the browser, with a limit for what has to appear.
func do(ctx context.Context, t *testing.T, what string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	if err := chromedp.Do(limited, actions...); err != nil {
		text, _ := chromedp.Run(ctx, chromedp.Text(`body`))
		t.Fatalf("%s: %v\n%s", what, err, text)
	}
}

// enter presses a button by keyboard: what appears on the page may move it
// away from under the mouse.
func enter(ctx context.Context, t *testing.T, button string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](fmt.Sprintf(`document.querySelector(%q).focus()`, button))); err != nil {
		t.Fatalf("focus %s: %v", button, err)
	}
	do(ctx, t, "press "+button, chromedp.KeyEvent("\r"))
}

// counter waits until a counter of the playground shows n.
func counter(name string, n int) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(fmt.Sprintf(`//*[@data-counter=%q and .="%d"]`, name, n))
}

func TestANewcomerSeesTheWholeLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser on a whole demo takes long")
	}
	t.Parallel()
	url := playground(t)
	ctx := visit(chromium.Start(t), t, url)

	// A visitor writes twice, the second time with other capitals: both messages,
	// one contact beside the four that were there.
	for i, lead := range [][2]string{{"Ana@Example.com", "Hello <b>there</b>"}, {"ana@example.com", "And again"}} {
		do(ctx, t, "send the form", chromedp.Clear(`#email`), chromedp.SendKeys(`#email`, lead[0]),
			chromedp.Clear(`#message`), chromedp.SendKeys(`#message`, lead[1]), chromedp.Click(`#website button`),
			chromedp.WaitVisible(`//*[@id="website"]//*[contains(., "was accepted")]`),
			chromedp.WaitVisible(fmt.Sprintf(`//*[@id="people"]//li[contains(., %q)]`, lead[1])),
			counter("accepted", i+1), counter("waiting", 0),
			chromedp.Click(`#website [data-again]`), chromedp.WaitVisible(`#website form`))
	}
	do(ctx, t, "count", counter("contacts", 5), counter("duplicates", 0), counter("lost", 0))

	// One deal is won with the mouse, another is taken up with the keyboard.
	do(ctx, t, "drag a deal", chromedp.DragAndDrop(`[data-deal="Abara cutter"] h3`, `[data-stage="Won"] h2`),
		chromedp.WaitVisible(`[data-stage="Won"] [data-deal="Abara cutter"]`),
		chromedp.WaitVisible(`//*[@id="channel"]//article[contains(., "🎉 Deal won: Abara cutter — $12,000")]//strong[.="Abara cutter"]`))
	enter(ctx, t, `[data-deal="Portofino refit"] [data-move="Negotiation"]`)
	do(ctx, t, "see the deal moved", chromedp.WaitVisible(`[data-stage="Negotiation"] [data-deal="Portofino refit"]:focus`),
		chromedp.WaitVisible(`//*[@id="channel"]//article[contains(., "🤝 In negotiation: Portofino refit — $7,200")]//*[@class="ping" and .="@Ben Otieno"]`))
	do(ctx, t, "run the digest", chromedp.Click(`[data-label="Run the 9:00 digest now"]`),
		chromedp.WaitVisible(`//*[@id="channel"]//article[contains(., "☕ Morning. 3 stale leads (all):")]`), counter("messages", 3))
	text, err := chromedp.Run(ctx, chromedp.Text(`#channel`))
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		"Deal won:": 1, "In negotiation:": 1, "Deal lost:": 0, "stale leads": 1, "last touched": 3,
		"• Nora Lindqvist (nora@lindqvist-sailing.example) — last touched ": 1, "Run the 9:00 digest now: done.": 1,
	} {
		if n := strings.Count(text, want); n != times {
			t.Errorf("Slack shows %q %d times, want %d:\n%s", want, n, times, text)
		}
	}

	// The dashboard is one link away, with the password beside it.
	link, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#lamps a").href`))
	if err != nil {
		t.Fatal(err)
	}
	word, err := chromedp.Run(ctx, chromedp.Text(`#lamps code`))
	if err != nil {
		t.Fatal(err)
	}
	do(ctx, t, "log in to the dashboard", chromedp.Navigate(link), chromedp.SendKeys(`#password`, word), chromedp.Submit(`#password`),
		chromedp.WaitVisible(`//h1[.="Overview"]`), chromedp.WaitVisible(`//*[@id="leads-today" and .="2"]`))
	fitEachScreen(ctx, t, url)
}

// Each button tells what is going to happen, and then that the promise was
// kept. Several are pressed together, so that troubles meet.
func TestEachTroubleOfThePlaygroundIsRecoveredFrom(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser on a whole demo takes long")
	}
	t.Parallel()
	ctx := visit(chromium.Start(t), t, playground(t))
	press := func(name string) { t.Helper(); enter(ctx, t, `[data-press="`+name+`"]`) }
	outcome := func(name, mark, text string) chromedp.Action[chromedp.Void] {
		return chromedp.WaitVisible(fmt.Sprintf(`//li[@data-trouble=%q]//*[@data-outcome and contains(@class, %q) and contains(., %q)]`, name, mark, text))
	}
	recovered := func(outcomes map[string]string) {
		t.Helper()
		for name, want := range outcomes {
			do(ctx, t, "see "+name+" recovered from", outcome(name, "good", want), chromedp.WaitVisible(fmt.Sprintf(`//*[@id="log"]/p[contains(., %q)]`, want)),
				counter("duplicates", 0), counter("lost", 0))
		}
	}
	together := map[string]string{
		"limit":   "Told to wait 5.0 s; 0 requests came in that time, the next after 5.",
		"answer":  "1 submission, 1 contact.",
		"double":  "20 submissions: 4 taken, 16 recognised as the same. 1 contact.",
		"rename":  "“Firm” says “",
		"webhook": "the event came 3 times, and Slack rang once.",
	}
	for name := range together {
		press(name)
	}
	recovered(together)
	press("rename")
	do(ctx, t, "see it named back", chromedp.WaitVisible(`//button[@data-press="rename" and .="Rename Company"]`))

	press("kill")
	do(ctx, t, "see Dealbell killed", chromedp.WaitVisible(`//*[@data-lamp="Dealbell" and contains(., "killed")]`))
	recovered(map[string]string{"kill": "4 of 4 are in Notion, each once."})

	press("down")
	do(ctx, t, "see Notion down", chromedp.WaitVisible(`//*[@data-lamp="Notion" and contains(., "down")]`), counter("waiting", 3))
	press("down")
	recovered(map[string]string{"down": "3 leads accepted without Notion; 3 of them in it "})
	do(ctx, t, "see all in Notion", counter("waiting", 0))

	// The burst goes on for long; the demo ends in the midst of it.
	press("burst")
	do(ctx, t, "see the burst arrive", outcome("burst", "troubled", "200 accepted within"), chromedp.WaitVisible(`//*[@data-counter="contacts" and number(.) > 20]`),
		counter("duplicates", 0), counter("lost", 0))
}

// fitEachScreen looks at the pages on a desk and on a telephone. With
// DEALBELL_SCREENSHOTS they are photographed, see "make screenshots".
func fitEachScreen(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	if os.Getenv(screenshots) != "" {
		do(ctx, t, "cause trouble to look at", chromedp.Navigate(url))
		for _, name := range []string{"limit", "double", "kill"} {
			enter(ctx, t, `[data-press="`+name+`"]`)
			do(ctx, t, "see "+name+" recovered from", chromedp.WaitVisible(`//li[@data-trouble="`+name+`"]//*[@data-outcome and contains(@class, "good")]`))
		}
	}
	for look, suffix := range map[string]string{"light": "", "dark": "-dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		for _, page := range []string{"", "website/", "contacts/", "deals/", "slack/"} {
			for screen, width := range map[string]int64{"": 1440, "-phone": 390} {
				do(ctx, t, "open "+page, chromedp.EmulateViewport(width, 900), chromedp.Navigate(url+page))
				wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
				if err != nil || wide > width {
					t.Errorf("%q is %d wide on a screen of %d, %v", page, wide, width, err)
				}
				overcome(ctx, t, page)
				photograph(ctx, t, strings.TrimSuffix("playground-"+strings.TrimSuffix(page, "/"), "-")+suffix+screen)
			}
		}
	}
}

// overcome fails the test when a page has barriers, where DEALBELL_AXE names
// axe-core.
func overcome(ctx context.Context, t *testing.T, page string) {
	t.Helper()
	axe := os.Getenv("DEALBELL_AXE")
	if axe == "" {
		return
	}
	barriers, err := chromium.Barriers(ctx, axe)
	if err != nil {
		t.Fatal(err)
	}
	for _, barrier := range barriers {
		t.Errorf("%q: %s", page, barrier)
	}
}

const screenshots = "DEALBELL_SCREENSHOTS" // where pictures go, if anybody wants some

func photograph(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}
