package web_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/dealbell/dealbell/internal/chromium"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// browser is somebody who looks at the dashboard of a daemon.
type browser struct {
	*daemon
	ctx context.Context //nolint:containedctx // lives as long as the test
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	ctx := chromium.Start(t)
	return browser{startDaemon(t), ctx}
}

// do works in the browser, with a limit for what has to appear.
func (b browser) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Text(`body`))
		b.t.Fatalf("%s: %v; the page says: %s", what, err, text)
	}
}

// logIn sets the password by the link.
func (b browser) logIn() {
	b.do("set the password", chromedp.Navigate(b.link), chromedp.SendKeys(`#password`, password), chromedp.SendKeys(`#again`, password),
		chromedp.Click(`button`), chromedp.WaitVisible(`//h1[.="Overview"]`))
}

// path is where the browser is.
func (b browser) path() string {
	b.t.Helper()
	path, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.pathname + location.search`))
	must(b.t, err)
	return path
}

// look makes sure that a page has no barriers, where DEALBELL_AXE names
// axe-core, and keeps pictures of it, where DEALBELL_SCREENSHOTS names a
// directory.
func (b browser) look(name, path string) {
	b.t.Helper()
	dir, axe := os.Getenv("DEALBELL_SCREENSHOTS"), os.Getenv("DEALBELL_AXE")
	if dir == "" && axe == "" || testing.Short() {
		return
	}
	for suffix, how := range map[string]struct {
		scheme string
		width  int64
	}{"": {"light", 1200}, "-dark": {"dark", 1200}, "-phone": {"light", 390}, "-narrow": {"dark", 360}} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: how.scheme}}}
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
			b.t.Fatal(err)
		}
		b.do("look at "+path, chromedp.EmulateViewport(how.width, 900), chromedp.Navigate("http://"+b.admin+path))
		if axe != "" && (suffix == "" || suffix == "-narrow") { // each scheme and width once
			barriers, err := chromium.Barriers(b.ctx, axe)
			must(b.t, err)
			for _, barrier := range barriers {
				b.t.Errorf("%s%s: %s", name, suffix, barrier)
			}
		}
		if dir != "" {
			png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			must(b.t, err)
			must(b.t, os.WriteFile(dir+"/"+name+suffix+".png", png, 0o600))
		}
	}
}

// One story, with one browser: to start both takes longer than all of it.
func TestAnOperatorsDay(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.look("setup", b.link[len("http://"+b.admin):])
	b.logIn()
	b.followNumbers()
	b.findALead()
	b.releaseAHeldOne()
	b.retryADeadLetter()
	b.believeARejectedOne()
	b.runADigest()
	b.askWhy()
	b.look("health", "/health")
	b.look("pipeline", "/pipeline")
}

// followNumbers sees the overview change without a reload.
func (b browser) followNumbers() {
	b.t.Helper()
	b.do("an empty day", chromedp.WaitVisible(`//*[@id="leads-today" and .="0"]`), chromedp.WaitVisible(`//*[@id="live-state" and .="Live"]`))
	b.ordinaryDay()
	b.do("the numbers without a reload", chromedp.WaitVisible(`//*[@id="leads-today" and .="5"]`), chromedp.WaitVisible(`//strong[.="Something needs you."]`))
	b.look("overview", "/")
}

func (b browser) findALead() {
	b.t.Helper()
	b.do("find a lead", chromedp.Click(`//nav//a[.="Leads"]`), chromedp.SendKeys(`#q`, "PERSON1@example.com"), chromedp.Click(`//button[.="Show"]`),
		chromedp.WaitVisible(`//td/a[.="Bo Lind"]`), chromedp.WaitNotPresent(`//td/a[.="Ana Silva"]`),
		chromedp.Click(`//td/a[.="Bo Lind"]`), chromedp.WaitVisible(`//dd[contains(.,"We need 3.")]`), chromedp.WaitVisible(`//a[.="Open the page"]`))
	b.look("lead", b.path())
	b.look("leads", "/leads")
	b.look("held", "/leads?state=held")
}

func (b browser) releaseAHeldOne() {
	b.t.Helper()
	b.do("release the held one", chromedp.Click(`//nav//a[.="Overview"]`), chromedp.Click(`//a[.="Release or drop"]`), chromedp.Click(`//td/a[.="Eve Doubt"]`),
		chromedp.Click(`//button[.="Release it to Notion"]`), chromedp.WaitVisible(`//*[contains(.,"Released")]`))
	b.arrived("eve@example.com")
	b.do("see it in Notion", chromedp.Click(`//nav//a[.="Leads"]`), chromedp.Click(`//td/a[.="Eve Doubt"]`), chromedp.WaitVisible(`//span[.="In Notion"]`))
}

func (b browser) retryADeadLetter() {
	b.t.Helper()
	b.look("failures", "/failures")
	b.do("open the dead letter", chromedp.Click(`//nav//a[.="Failures"]`), chromedp.Click(`//a[.="Bring a contact into Notion"]`), chromedp.WaitVisible(`//dd[.="Is anybody there?"]`))
	b.look("failure", b.path())
	b.do("retry it", chromedp.Click(`//button[.="Retry"]`), chromedp.WaitVisible(`//*[contains(.,"It is tried again now")]`))
	b.arrived("Dana Stuck")
}

func (b browser) believeARejectedOne() {
	b.t.Helper()
	b.do("believe the rejected one", chromedp.Click(`//section[contains(.,"Rejected")]//td/a`), chromedp.Click(`//button[contains(.,"Check its signature")]`),
		chromedp.WaitVisible(`//*[@role="alert"]`), chromedp.Click(`//button[contains(.,"Believe")]`), chromedp.WaitVisible(`//*[contains(.,"Released")]`))
	b.arrived("Finn Unsigned")
}

func (b browser) runADigest() {
	b.t.Helper()
	b.do("preview a digest", chromedp.Click(`//nav//a[.="Rules"]`), chromedp.Click(`//button[@aria-label="Preview: stale-leads"]`),
		chromedp.WaitVisible(`//pre[contains(.,"Nora Lindqvist")]`))
	b.look("digest", b.path())
	b.do("send it", chromedp.Click(`//button[.="Send it now"]`), chromedp.WaitVisible(`//*[contains(.,"sent as you see")]`))
	if got := b.slack.Messages("sales"); len(got) != 1 {
		b.t.Errorf("Slack has %d messages, want the digest", len(got))
	}
	b.look("rules", "/rules")
}

func (b browser) askWhy() {
	b.t.Helper()
	b.do("ask for a record", chromedp.Click(`//nav//a[.="Records"]`), chromedp.SendKeys(`#what`, "dana@example.com"), chromedp.Click(`//button[.="Tell"]`),
		chromedp.WaitVisible(`//li[contains(.,"POST pages")]`), chromedp.Click(`(//a[.="The submission"])[1]`), chromedp.Click(`//a[.="Its whole story"]`), chromedp.WaitVisible(`//h2[.="Dana Stuck"]`))
	b.look("record", b.path())
	b.do("see the health", chromedp.Click(`//nav//a[.="Health"]`), chromedp.WaitVisible(`//td[.="notion token"]`))
}

// arrived waits until a contact is in Notion.
func (b browser) arrived(text string) {
	b.t.Helper()
	b.until(text+" is in Notion", func() bool {
		return slices.ContainsFunc(b.notion.Rows(b.crm.Contacts), func(r sandbox.Row) bool { return strings.Contains(fmt.Sprint(r.Values), text) })
	})
	b.settle()
}
