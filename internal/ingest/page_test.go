package ingest_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/chromium"
	"github.com/dealbell/dealbell/internal/crm"
)

// The sample page, as a visitor meets it: the script, the token, the work and
// the limits are the real ones.
func TestTheSamplePageSendsALead(t *testing.T) {
	t.Parallel()
	ctx := chromium.Start(t)
	sample, err := os.ReadFile("../../deploy/form.html")
	if err != nil {
		t.Fatal(err)
	}
	crmAt := ""
	website := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.ReplaceAll(string(sample), "https://crm.example.com", crmAt)))
	}))
	defer website.Close()
	p := openPage(t, func(p *antispam.Policy) {
		p.Origins, p.MinFill, p.Work = []string{website.URL}, time.Second, antispam.Standard("contact").Work
	})
	defer p.close()
	dealbell := httptest.NewServer(p.handler)
	defer dealbell.Close()
	crmAt = dealbell.URL

	if err := chromedp.Do(ctx, chromedp.Navigate(website.URL),
		chromedp.SendKeys(chromedp.CSS(`[name=name]`), "Ana Silva"), chromedp.SendKeys(chromedp.CSS(`[name=email]`), "ana@example.com"),
		chromedp.SendKeys(chromedp.CSS(`[name=message]`), "Hello"), chromedp.Click(chromedp.CSS(`form button`)),
		chromedp.WaitVisible(chromedp.CSS(`[data-dealbell-thanks]`)),
	); err != nil {
		t.Fatalf("send the form: %v\n%s", err, p.logs)
	}
	got := p.stored("ana@example.com")
	if got.State != crm.DeliveryQueued || !strings.Contains(string(got.Body), `"message":"Hello"`) {
		t.Errorf("stored as %s because %q: %s", got.State, got.Reason, got.Body)
	}
}
