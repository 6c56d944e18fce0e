package torture

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// canaries are words that must not turn up where they do not belong.
type canaries struct {
	dice *rand.Rand
	all  []string
}

// word makes a canary that begins like what it stands for.
func (c *canaries) word(kind string) string {
	w := fmt.Sprintf("%s%012x", kind, c.dice.Uint64()>>16)
	c.all = append(c.all, w)
	return w
}

// found lists the canaries in a text, in whatever case.
func (c *canaries) found(text string) (list []string) {
	text = strings.ToLower(text)
	for _, w := range c.all {
		if strings.Contains(text, strings.ToLower(w)) {
			list = append(list, w)
		}
	}
	return list
}

// What an echo does.
const (
	someErrors = 1 + iota
	writesFail
	allFail
	allRefused
)

// echo answers requests with an error that repeats what was sent: in the ways
// of Notion, of proxies and of servers that never heard of privacy.
func echo(mode *atomic.Int64) func(http.Handler) http.Handler {
	var number, wrong atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			now, reads := mode.Load(), r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/query")
			if now == 0 || now == writesFail && reads || now == someErrors && (number.Add(1)%2 == 0 || r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/pages/")) {
				next.ServeHTTP(w, r) // a rule rings only where its page can be read
				return
			}
			n := int(wrong.Add(1))
			said := r.URL.String() + " " + r.Header.Get("Authorization") + " " + string(body)
			status := []int{400, 409, 500, 404, 502, 503, 400, 429, 504, 422, 529}[n%11]
			switch now {
			case allFail, writesFail:
				status = http.StatusInternalServerError
			case allRefused:
				status = http.StatusUnauthorized
			}
			w.Header().Set("Retry-After", "0.1")
			if n%3 == 0 { // a proxy
				w.WriteHeader(status)
				fmt.Fprintf(w, "<html>%s</html>", said)
				return
			}
			message := []string{
				"body failed validation: body.properties.Email.email should be a string, instead was `" + fmt.Sprintf("%q", said) + "`.",
				"Invalid status option. Status option \"" + said + "\" does not exist", said, "could not save " + said,
			}[n%4]
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, errorOf(status, message))
		})
	}
}

func errorOf(status int, message string) string {
	return fmt.Sprintf(`{"object":"error","status":%d,"code":"validation_error","message":%q,"request_id":"r"}`, status, message)
}

// person is somebody whom nobody should read about in a log.
func (c *canaries) person() map[string]string {
	return map[string]string{
		"email": c.word("mail") + "@" + c.word("host") + ".example", "name": c.word("Name"), "company": c.word("Company"), "message": c.word("message"),
		"utm_source": c.word("source"), c.word("field"): c.word("value"),
	}
}

// intrude sends requests that are refused, with secrets in every place.
func (c *canaries) intrude(tb testing.TB, base string) (answers string) {
	tb.Helper()
	for _, path := range []string{"/lead", "/notion-webhook", "/healthz", "/" + c.word("path"), "/lead?token=" + c.word("query"), "/lead/" + c.word("below")} {
		for _, body := range []string{
			`{"email":"` + c.word("mail") + `@x.example"`, "email=" + c.word("form") + "%zz", `{"verification_token":"` + c.word("token") + `"}`, `{"email":["` + c.word("list") + `"]}`,
		} {
			header := http.Header{}
			for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "X-Form-Signature", "X-Notion-Signature", "Idempotency-Key", "User-Agent", "Referer", "X-Forwarded-For"} {
				header.Set(name, c.word(strings.ToLower(strings.ReplaceAll(name, "-", ""))))
			}
			header.Set("Content-Type", "application/json; x="+c.word("type"))
			status, text, err := ask(http.MethodPost, base+path, body, header)
			if err != nil || status < 400 {
				tb.Errorf("POST %s: %d, %v, want it refused", path, status, err)
			}
			answers += text
		}
	}
	return answers
}

// signedMistakes are refused after their signature was believed.
func (c *canaries) signedMistakes(tb testing.TB, base string) (answers string) {
	tb.Helper()
	for _, body := range []string{
		`{"name":"` + c.word("Name") + `"}`, `{"email":"` + c.word("mail") + `"}`, `["` + c.word("list") + `"]`, `{"email":"` + c.word("mail") + `@x.example","a":` + c.word("bare") + `}`,
	} {
		a, err := post(tb.Context(), http.DefaultClient, base, []byte(body))
		if err != nil || a.status/100 != 4 {
			tb.Errorf("%s: %d %s, %v, want it refused", body, a.status, a.body, err)
		}
		answers += string(a.body)
	}
	return answers
}

func TestNoSecretAndNobodysDataIsLogged(t *testing.T) {
	if testing.Short() {
		t.Skip("errors take their time")
	}
	t.Parallel()
	seed := seed(t)
	c := &canaries{dice: rand.New(rand.NewPCG(seed, 8))}
	patience, looks := 8*time.Second, 12 // looks in each of four ways to fail
	if full() {
		patience, looks = 2*time.Minute, 100
	}
	notionToken, hookToken, form, slackToken, place := c.word("ntn_"), c.word("hook"), c.word("form"), c.word("xoxb-"), c.word("T")
	notion := serveNotion(t, sandbox.Options{Token: notionToken})
	deals := notion.StandardCRM().Deals
	owner := notion.AddPerson(c.word("Owner"), c.word("owner")+"@example.com")
	deal := notion.AddRow(deals, map[string]any{"Deal Name": c.word("Deal"), "Stage": "Negotiation", "Owner": []string{owner}})
	var echoing atomic.Int64
	notion.through(t, echo(&echoing))
	var rang atomic.Int64
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		status := []int{400, 500, 302, 403, 200}[int(rang.Add(1))%5]
		w.Header().Set("Location", "http://127.0.0.1:1/"+string(body))
		w.WriteHeader(status)
		fmt.Fprintf(w, "invalid_payload %s %s %s", r.URL, r.Header.Get("Authorization"), body)
	}))
	t.Cleanup(slack.Close)
	data := t.TempDir()
	environment := append(notion.environment(t, data),
		"NOTION_TOKEN="+notionToken, "NOTION_WEBHOOK_SECRET="+hookToken, "FORM_SECRET="+formSecret+","+form, "SLACK_BOT_TOKEN="+slackToken,
		"SLACK_WEBHOOK_URL="+slack.URL+"/services/"+place+"/B0/x", "DEALBELL_SLACK_URL="+slack.URL+"/api/", "NOTION_DEALS_DB_ID="+deals.ID)
	d := start(t, environment, verbose)
	eventually(t, 20*time.Second, "the deals are known", func() bool {
		return strings.Contains(d.everywhere(), fmt.Sprintf(`dealbell_polled_seconds{database=%q}`, deals.ID))
	})
	echoing.Store(someErrors)

	said := c.intrude(t, d.log.public) + c.signedMistakes(t, d.log.public)
	for i := range 4 {
		notion.EditRow(deal, map[string]any{"Stage": []string{"Won", "Negotiation"}[i%2]})
		d.event(hookToken, deal)
		eventually(t, 20*time.Second, "Slack was asked", func() bool { return rang.Load() > int64(i) })
	}
	moments := time.NewTicker(patience / time.Duration(4*looks))
	defer moments.Stop()
	for _, way := range []int64{someErrors, writesFail, allFail, allRefused} {
		echoing.Store(way)
		for range looks {
			if way < allFail {
				d.lead(c.person())
			}
			<-moments.C
			said += d.everywhere()
		}
	}
	eventually(t, 90*time.Second, "the log says that Notion is away", func() bool { return strings.Contains(d.log.all(), "calls are held back") })
	checkErrors(t, d, rang.Load())
	d.stop()
	said += d.log.all() + names(t, data) + output(t, environment, "check", "--offline")
	leaked := c.found(said)
	for i, w := range leaked {
		if at := strings.Index(strings.ToLower(said), strings.ToLower(w)); i < 5 {
			t.Errorf("%s leaked: …%s…", w, said[max(0, at-300):min(len(said), at+60)])
		}
	}
	t.Logf("figure: S8 0 of %d canaries in %d KB of log, errors, metrics, health and names of files | %d | seed %d", len(c.all), len(said)>>10, len(leaked), seed)
}

// lead submits one, which has to be accepted.
func (d *daemon) lead(fields map[string]string) {
	d.tb.Helper()
	parts := []string{}
	for name, value := range fields {
		parts = append(parts, fmt.Sprintf("%q:%q", name, value))
	}
	a, err := post(d.tb.Context(), http.DefaultClient, d.log.public, []byte("{"+strings.Join(parts, ",")+"}"))
	if err != nil || a.status != http.StatusAccepted {
		d.tb.Errorf("lead: %d %s, %v, want 202", a.status, a.body, err)
	}
}

// event tells of an edit, as Notion does.
func (d *daemon) event(token, page string) {
	d.tb.Helper()
	body := fmt.Sprintf(`{"id":"%d","type":"page.properties_updated","timestamp":%q,"entity":{"id":%q,"type":"page"}}`, time.Now().UnixNano(), time.Now().UTC().Format(time.RFC3339Nano), page)
	status, text, err := ask(http.MethodPost, d.log.public+"/notion-webhook", body, http.Header{"X-Notion-Signature": {sign(token, []byte(body))}})
	if err != nil || status != http.StatusOK {
		d.tb.Errorf("event: %d %s, %v, want 200", status, text, err)
	}
}

// everywhere reads what anybody may read who reaches the listeners.
func (d *daemon) everywhere() (text string) {
	d.tb.Helper()
	bearer := http.Header{"Authorization": {"Bearer " + d.token()}}
	for _, address := range []string{d.log.public + "/healthz", d.log.public + "/readyz", d.log.public + "/nothing", d.log.admin + "/metrics", d.log.admin + "/api/v1/status", d.log.admin + "/nothing"} {
		_, said, err := ask(http.MethodGet, address, "", bearer)
		if err != nil {
			d.tb.Error(err)
		}
		text += said
	}
	return text
}

// token opens the admin listener.
func (d *daemon) token() string {
	d.tb.Helper()
	for _, variable := range d.cmd.Env {
		if dir, ok := strings.CutPrefix(variable, "DEALBELL_DATA="); ok {
			content, err := os.ReadFile(filepath.Join(dir, "admin.token"))
			if err != nil {
				d.tb.Fatal(err)
			}
			return strings.TrimSpace(string(content))
		}
	}
	d.tb.Fatal("the daemon has no state directory")
	return ""
}

// checkErrors fails unless enough went wrong to prove something.
func checkErrors(tb testing.TB, d *daemon, rang int64) {
	tb.Helper()
	wrong := 0
	for _, status := range []string{"400", "403", "404", "409", "422", "429", "500", "502", "503", "504", "529"} {
		_, text, err := ask(http.MethodGet, d.log.admin+"/metrics", "", nil)
		if err != nil {
			tb.Fatal(err)
		}
		wrong += strings.Count(text, `status="`+status+`"`)
	}
	if wrong < 5 || rang == 0 {
		tb.Errorf("%d kinds of answers of Notion were errors and Slack was asked %d times: too little to prove anything", wrong, rang)
	}
	tb.Logf("%d kinds of error of Notion, %d requests to Slack", wrong, rang)
}

// names lists the names of all files.
func names(tb testing.TB, dir string) (list string) {
	tb.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		list += strings.TrimPrefix(path, dir) + "\n"
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	return list
}

// output is what a command says.
func output(tb testing.TB, environment []string, args ...string) string {
	tb.Helper()
	command := exec.Command(shipped.path(tb), args...)
	command.Env, command.Dir = environment, tb.TempDir()
	out, _ := command.CombinedOutput() // what it says counts, not how it ends
	return string(out)
}

// verbose lets a daemon log all it can.
func verbose(c *exec.Cmd) { c.Args = append(c.Args, "--log-level", "debug") }
