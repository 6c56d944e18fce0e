package cli_test

import (
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/dealbell/dealbell/internal/chromium"
	"github.com/dealbell/dealbell/internal/cli"
)

// places are the addresses that the demo prints.
type places struct{ form, contacts, deals, slack string }

// demo runs "dealbell demo" until the test ends.
func demo(t *testing.T) places {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	printed, stdout := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, cli.Env{Args: []string{"demo"}, Stdout: stdout, Stderr: os.Stderr, Getenv: func(string) string { return "" }})
		stdout.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("demo ended with %d, want 0", code)
		}
	})
	var text strings.Builder
	for link := regexp.MustCompile(`(?s)website form\s+(\S+).*contacts\s+(\S+).*deals board\s+(\S+).*Slack\s+(http\S+).*Ctrl-C`); ; {
		chunk := make([]byte, 4096)
		n, err := printed.Read(chunk)
		text.Write(chunk[:n])
		if found := link.FindStringSubmatch(text.String()); found != nil {
			go io.Copy(io.Discard, printed)
			return places{found[1], found[2], found[3], found[4]}
		}
		if err != nil {
			t.Fatalf("demo printed %q and ended: %v", text.String(), err)
		}
	}
}

// do works in the browser, with a limit for what has to appear.
func do(ctx context.Context, t *testing.T, what string, limit time.Duration, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// shown returns what a page says now.
func shown(ctx context.Context, t *testing.T) string {
	t.Helper()
	text, err := chromedp.Run(ctx, chromedp.Text(`body`))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestANewcomerSeesTheWholeLoop(t *testing.T) {
	t.Parallel()
	ctx := chromium.Start(t)
	at := demo(t)
	sendTheForm(ctx, t, at)
	moveADeal(ctx, t, at)
	runTheDigest(ctx, t, at)
	if dir := os.Getenv("DEALBELL_SCREENSHOTS"); dir != "" { // to look at
		for name, page := range map[string]string{"form": at.form, "contacts": at.contacts, "deals": at.deals, "slack": at.slack} {
			screenshot(ctx, t, page, dir+"/"+name+".png", 1200)
			screenshot(ctx, t, page, dir+"/"+name+"-phone.png", 390)
		}
	}
}

func sendTheForm(ctx context.Context, t *testing.T, at places) {
	t.Helper()
	for email, message := range map[string]string{"Ana@Example.com": "Hello <b>there</b>", "ana@example.com": "And again"} {
		do(ctx, t, "send the form", 20*time.Second,
			chromedp.Navigate(at.form),
			chromedp.SendKeys(`input[name=name]`, "Ana Silva"),
			chromedp.SendKeys(`input[name=email]`, email),
			chromedp.SendKeys(`textarea[name=message]`, message),
			chromedp.Submit(`form`),
			chromedp.WaitVisible(`//*[contains(., "was accepted")]`),
		)
	}
	// The page follows along by itself, without a reload: both messages, one row
	// beside the four that were there.
	do(ctx, t, "watch the contacts", 20*time.Second, chromedp.Click(`//a[contains(., "among the contacts")]`),
		chromedp.WaitVisible(`//*[contains(., "And again")]`),
		chromedp.WaitVisible(`//*[contains(., "Hello <b>there</b>")]`))
	text := shown(ctx, t)
	for _, want := range []string{"5 rows", "Ana Silva", "Hello <b>there</b>", "And again", "New lead"} {
		if !strings.Contains(text, want) {
			t.Errorf("the contacts page lacks %q: %s", want, text)
		}
	}
}

// moveADeal wins one deal and brings another into negotiation. Each rings
// once, within seconds, on the page that is open.
func moveADeal(ctx context.Context, t *testing.T, at places) {
	t.Helper()
	move := func(deal, stage string) {
		t.Helper()
		do(ctx, t, "move "+deal, 15*time.Second,
			chromedp.Click(`[data-deal="`+deal+`"] [data-move="`+stage+`"]`),
			chromedp.WaitVisible(`[data-stage="`+stage+`"] [data-deal="`+deal+`"]`))
	}
	do(ctx, t, "open the board", 15*time.Second, chromedp.Navigate(at.deals))
	move("Abara cutter", "Won")
	do(ctx, t, "hear the bell", 15*time.Second, chromedp.Click(`//nav//a[.="Slack"]`),
		chromedp.WaitVisible(`//article[contains(., "🎉 Deal won: Abara cutter — $12,000")]//strong[.="Abara cutter"]`))
	do(ctx, t, "go back to the board", 15*time.Second, chromedp.Click(`//nav//a[.="deals board"]`))
	move("Portofino refit", "Negotiation")
	do(ctx, t, "hear the bell again", 15*time.Second, chromedp.Navigate(at.slack),
		chromedp.WaitVisible(`//article[contains(., "🤝 In negotiation: Portofino refit — $7,200")]//*[@class="ping" and .="@Ben Otieno"]`))
}

func runTheDigest(ctx context.Context, t *testing.T, at places) {
	t.Helper()
	do(ctx, t, "run the digest", 15*time.Second, chromedp.Navigate(at.slack),
		chromedp.Click(`[data-label="Run the 9:00 digest now"]`),
		chromedp.WaitVisible(`//article[contains(., "☕ Morning. 3 stale leads (all):")]`))
	text := shown(ctx, t)
	for want, times := range map[string]int{
		"Deal won:": 1, "In negotiation:": 1, "Deal lost:": 0, "stale leads": 1, "last touched": 3,
		"• Nora Lindqvist (nora@lindqvist-sailing.example) — last touched ": 1, "Run the 9:00 digest now: done.": 1,
	} {
		if n := strings.Count(text, want); n != times {
			t.Errorf("Slack shows %q %d times, want %d:\n%s", want, n, times, text)
		}
	}
}

func screenshot(ctx context.Context, t *testing.T, page, path string, width int64) {
	t.Helper()
	do(ctx, t, "open "+page, 15*time.Second, chromedp.EmulateViewport(width, 900), chromedp.Navigate(page))
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o600); err != nil {
		t.Fatal(err)
	}
}
