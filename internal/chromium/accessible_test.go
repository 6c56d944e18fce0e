package chromium_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/dealbell/dealbell/internal/chromium"
)

// TestBarriersAreFound makes sure that pages which pass were really looked at.
func TestBarriersAreFound(t *testing.T) {
	t.Parallel()
	axe := os.Getenv("DEALBELL_AXE")
	if axe == "" {
		t.Skip("DEALBELL_AXE does not name axe-core's axe.min.js")
	}
	ctx := chromium.Start(t)
	for name, tt := range map[string]struct{ page, want string }{
		"a page without barriers":  {`<!doctype html><html lang="en"><title>x</title><main><h1>x</h1><label for="q">Name</label><input id="q"></main>`, ""},
		"a field without a label":  {`<!doctype html><html lang="en"><title>x</title><main><h1>x</h1><input id="q"></main>`, "label: "},
		"text that is hard to see": {`<!doctype html><html lang="en"><title>x</title><main><h1>x</h1><p style="color:#aaa;background:#fff">hard to see</p></main>`, "color-contrast: "},
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate("data:text/html,"+url.PathEscape(tt.page))); err != nil {
			t.Fatal(err)
		}
		found, err := chromium.Barriers(ctx, axe)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(found, "\n"); tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
