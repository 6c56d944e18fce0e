package cli_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/dealbell/dealbell/internal/cli"
)

// browser starts a headless Chromium, which Debian's package provides.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed, and CI has to see the demo's pages")
		}
		t.Skip("chromium is not installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// demo runs "dealbell demo" until the test ends and returns the addresses
// that it prints.
func demo(t *testing.T) (form, contacts string) {
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
	for link := regexp.MustCompile(`(?s)website form\s+(\S+).*contacts\s+(\S+).*Ctrl-C`); ; {
		chunk := make([]byte, 4096)
		n, err := printed.Read(chunk)
		text.Write(chunk[:n])
		if found := link.FindStringSubmatch(text.String()); found != nil {
			go io.Copy(io.Discard, printed)
			return found[1], found[2]
		}
		if err != nil {
			t.Fatalf("demo printed %q and ended: %v", text.String(), err)
		}
	}
}

func TestANewcomerSeesTheContactAppear(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	form, contacts := demo(t)
	for email, message := range map[string]string{"Ana@Example.com": "Hello <b>there</b>", "ana@example.com": "And again"} {
		err := chromedp.Do(ctx,
			chromedp.Navigate(form),
			chromedp.SendKeys(`input[name=name]`, "Ana Silva"),
			chromedp.SendKeys(`input[name=email]`, email),
			chromedp.SendKeys(`textarea[name=message]`, message),
			chromedp.Submit(`form`),
			chromedp.WaitVisible(`//*[contains(., "was accepted")]`),
		)
		if err != nil {
			t.Fatalf("send the form: %v", err)
		}
	}
	// The page follows along by itself, without a reload: both messages, one row.
	err := chromedp.Do(ctx, chromedp.Navigate(contacts),
		chromedp.WaitVisible(`//*[contains(., "And again")]`),
		chromedp.WaitVisible(`//*[contains(., "Hello <b>there</b>")]`))
	if err != nil {
		t.Fatalf("watch the contacts: %v", err)
	}
	text, err := chromedp.Run(ctx, chromedp.Text(`body`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 row", "Ana Silva", "Hello <b>there</b>", "And again", "New lead"} {
		if !strings.Contains(text, want) {
			t.Errorf("the contacts page lacks %q: %s", want, text)
		}
	}
	if dir := os.Getenv("DEALBELL_SCREENSHOTS"); dir != "" { // to look at
		screenshot(ctx, t, form, dir+"/form.png")
		screenshot(ctx, t, contacts, dir+"/contacts.png")
	}
}

func screenshot(ctx context.Context, t *testing.T, page, path string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1100, 700), chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o600); err != nil {
		t.Fatal(err)
	}
}
