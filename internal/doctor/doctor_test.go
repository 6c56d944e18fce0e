package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/doctor"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/slack"
	"github.com/dealbell/dealbell/internal/store"
)

// patient is a Dealbell whose parts can be made ill.
type patient struct {
	doctor.Options
	notion *sandbox.Workspace
	crm    sandbox.CRM
	slack  *sandbox.Slack
	store  *disk
	client *notion.Client
}

// disk is a store whose outside can be anything.
type disk struct {
	*store.DB
	space  store.Space
	rows   int
	backup time.Time
	hooks  store.Hooks
	sum    *store.Summary
}

func (d *disk) Space() (store.Space, error)                   { return d.space, nil }
func (d *disk) Count(context.Context, string) (int, error)    { return d.rows, nil }
func (d *disk) LastBackup(context.Context) (time.Time, error) { return d.backup, nil }
func (d *disk) Hooks(context.Context) (store.Hooks, error)    { return d.hooks, nil }
func (d *disk) Summarise(ctx context.Context) (store.Summary, error) {
	if d.sum != nil {
		return *d.sum, nil
	}
	return d.DB.Summarise(ctx)
}

func newStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func healthy(t *testing.T, db *store.DB) *patient {
	t.Helper()
	var err error
	p := &patient{notion: sandbox.New(sandbox.Options{Token: "right"}), slack: sandbox.NewSlack(sandbox.SlackOptions{})}
	p.crm = p.notion.StandardCRM()
	p.store = &disk{DB: db, space: store.Space{Free: 10 << 30, File: 5 << 20, Log: 1 << 20}, backup: time.Now().Add(-time.Hour)}
	p.store.hooks = store.Hooks{Tokens: []string{"token"}, LastEvent: time.Now().Add(-time.Minute)}
	p.client, err = notion.New(t.Context(), notion.Options{Transport: p.notion.Transport(), Token: secret.New("right"), Rate: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	chat, err := slack.New(slack.Options{Transport: p.slack.Transport(), Webhooks: map[string]secret.String{"sales": secret.New(p.slack.Webhook("sales"))}})
	if err != nil {
		t.Fatal(err)
	}
	leads := lead.Options{
		Contacts: p.crm.Contacts.ID, Activities: p.crm.Activities.ID, Mapping: lead.StandardMapping(),
		Forms: map[string]lead.Form{lead.Website: {Name: lead.Website, Fields: lead.StandardFields(), Values: lead.StandardValues()}},
	}
	p.Options = doctor.Options{
		Notion: p.client.Lane(crm.Live), Connection: p.client.State, Store: p.store, Slack: chat, Channels: []string{"sales"},
		Databases: []doctor.Database{{Name: "contacts", ID: p.crm.Contacts.ID}, {Name: "activities", ID: p.crm.Activities.ID}},
		Needs:     leads.Needs(), Running: true, PublicURL: "https://crm.example.com",
	}
	p.World = site(200, time.Now().Add(60*24*time.Hour))
	return p
}

// world answers for the public address.
type world func(*http.Request) (*http.Response, error)

func (w world) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

const health = `{"status":"ok","parts":{"store":{"status":"ok"}}}`

// site is a Dealbell behind a proxy with a certificate; nothing but its health
// is to be seen.
func site(status int, ends time.Time) world {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if r.URL.Path != "/healthz" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, health)
		resp := w.Result()
		resp.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{NotAfter: ends}}}
		return resp, nil
	}
}

// always answers every path alike.
func always(body string) world {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func fails(err error) world { return func(*http.Request) (*http.Response, error) { return nil, err } }

func TestAHealthyDealbellHasOnlyFineFindings(t *testing.T) {
	t.Parallel()
	report := doctor.New(healthy(t, newStore(t)).Options).Examine(t.Context())
	for _, f := range report.Findings {
		if f.State != doctor.Fine && f.Check != "clock" { // the sandbox in memory does not tell the time
			t.Errorf("%+v", f)
		}
	}
	if len(report.Findings) < 10 {
		t.Errorf("only %d findings", len(report.Findings))
	}
}

// TestWhatIsWrongIsNamedWithTheNextStep makes one part ill at a time.
func TestWhatIsWrongIsNamedWithTheNextStep(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	for _, tt := range []struct {
		name  string
		ill   func(t *testing.T, p *patient)
		check string
		state doctor.State
		text  string
		next  string
	}{
		{"a Dealbell that never ran", func(_ *testing.T, p *patient) { p.Store = nil }, "daemon", doctor.Failing, "never run", "dealbell serve"},
		{"a daemon that is down", func(_ *testing.T, p *patient) { p.Running = false }, "daemon", doctor.Failing, "not running", "systemctl start"},
		{"a token that was revoked", func(_ *testing.T, p *patient) { p.notion.SetToken("other") }, "notion token", doctor.Failing, "401", "NOTION_TOKEN"},
		{"a token of a person", func(_ *testing.T, p *patient) { p.Notion = person{p.Notion} }, "notion token", doctor.Warning, "a person's own token", "internal connection"},
		{"a connection that may not insert", func(_ *testing.T, p *patient) { p.notion.Withhold(sandbox.InsertContent) }, "notion token", doctor.Failing, "Insert content", "Capabilities"},
		{"a connection that sees no addresses", func(_ *testing.T, p *patient) { p.notion.Withhold(sandbox.ReadEmails) }, "notion token", doctor.Warning, "owners are not mentioned", "Capabilities"},
		{"a title under another name is a Name", func(_ *testing.T, p *patient) { p.notion.RenameProperty(p.crm.Contacts, "Name", "Who") }, "database contacts", doctor.Fine, "has what is needed", ""},
		{"a Notion that is away", func(_ *testing.T, p *patient) { p.Notion = away{} }, "notion token", doctor.Failing, "", "status.notion.com"},
		{"a database that is not shared", func(_ *testing.T, p *patient) { p.Databases[0].ID = "11111111-2222-4333-8444-555555555555" }, "database contacts", doctor.Failing, "no such database", "add the connection"},
		{"a key that is gone", func(_ *testing.T, p *patient) { p.notion.DropProperty(p.crm.Contacts, "Email") }, "database contacts", doctor.Failing, `no property "Email"; it identifies`, "lead: key:"},
		{"a property under another name", func(_ *testing.T, p *patient) { p.notion.RenameProperty(p.crm.Contacts, "Company", "Compania") }, "database contacts", doctor.Warning, `did you mean "Compania"?`, "lead:"},
		{"the only date, called otherwise", func(_ *testing.T, p *patient) {
			p.notion.RenameProperty(p.crm.Activities, "Contact", "Who")
		}, "database activities", doctor.Warning, `did you mean "Who"? it is the only one of type relation`, "lead: activity:"},
		{"a property of another type", func(_ *testing.T, p *patient) {
			p.notion.DropProperty(p.crm.Contacts, "Company")
			p.notion.AddProperty(p.crm.Contacts, sandbox.Property{Name: "Company", Type: "people"})
		}, "database contacts", doctor.Failing, `property "Company" is of type people, want`, "change its type"},
		{"a status without the option", func(_ *testing.T, p *patient) {
			p.notion.DropProperty(p.crm.Contacts, "Status")
			p.notion.AddProperty(p.crm.Contacts, sandbox.Property{Name: "Status", Type: "status", Options: []string{"Hot", "Cold"}})
		}, "database contacts", doctor.Failing, `no option "New lead" (options: Hot, Cold)`, "add the option in Notion"},
		{"a rule with a wrong name", func(_ *testing.T, p *patient) {
			p.Mistakes = func(b crm.Bindings) (own, _ []rules.Mistake, _ error) {
				if b.Schema.Database == p.crm.Contacts.ID {
					own = []rules.Mistake{{Rule: "won", Text: `there is no property "Stge"`, Hint: `did you mean "Stage"?`}}
				}
				return own, nil, nil
			}
		}, "database contacts", doctor.Failing, `rule "won": there is no property "Stge"`, `did you mean "Stage"?`},
		{"more rows than a query returns", func(_ *testing.T, p *patient) { p.store.rows = 9_500 }, "database contacts", doctor.Warning, "9500 rows", "another database"},
		{"a clock that is an hour off", func(_ *testing.T, p *patient) { p.Connection = skewed(time.Hour) }, "clock", doctor.Failing, "60 minutes", "timedatectl"},
		{"a clock that is a minute off", func(_ *testing.T, p *patient) { p.Connection = skewed(-time.Minute) }, "clock", doctor.Warning, "60 seconds", "timedatectl"},
		{"a workspace that is full", func(t *testing.T, p *patient) { p.fill(t) }, "notion plan", doctor.Failing, "Free plan", "upgrade"},
		{"leads that wait for an hour", func(_ *testing.T, p *patient) {
			p.store.sum = &store.Summary{Open: 3, Depths: []store.Depth{{Lane: crm.Live, State: crm.JobWaiting, Count: 3, Oldest: time.Now().Add(-90 * time.Minute)}}}
		}, "queue", doctor.Failing, "3 leads are not in Notion yet, the oldest job for 2 hours", "dealbell jobs list"},
		{"a dead letter", func(_ *testing.T, p *patient) {
			p.store.sum = &store.Summary{Depths: []store.Depth{{Lane: crm.Live, State: crm.JobDead, Count: 1}}}
		}, "queue", doctor.Failing, "1 dead letter will not", "--state dead"},
		{"held submissions", func(_ *testing.T, p *patient) { p.store.sum = &store.Summary{Held: 2} }, "queue", doctor.Warning, "2 submissions are held", "dealbell replay --show"},
		{"rejected bodies", func(_ *testing.T, p *patient) { p.store.sum = &store.Summary{Quarantined: 1} }, "queue", doctor.Warning, "1 body was rejected", "dealbell replay"},
		{"values that do not fit", func(_ *testing.T, p *patient) { p.store.sum = &store.Summary{Leftovers: 1} }, "queue", doctor.Warning, "1 value does not fit", "dealbell status"},
		{"a message that Slack refused", func(_ *testing.T, p *patient) {
			p.store.sum = &store.Summary{Messages: map[crm.MessageState]int{crm.MessageRefused: 1}}
		}, "outbox", doctor.Warning, "refused 1 message", "dealbell status"},
		{"a message that may have arrived", func(_ *testing.T, p *patient) {
			p.store.sum = &store.Summary{Messages: map[crm.MessageState]int{crm.MessageMaybe: 2}}
		}, "outbox", doctor.Warning, "took 2 messages", "look into the channel"},
		{"no subscription", func(_ *testing.T, p *patient) { p.store.hooks = store.Hooks{} }, "notion webhook", doctor.Warning, "no subscription", "dealbell webhook arm"},
		{"a webhook that fell silent", func(_ *testing.T, p *patient) { p.store.hooks.Missed = time.Now().Add(-time.Hour) }, "notion webhook", doctor.Failing, "60 minutes", "paused"},
		{"no event so far", func(_ *testing.T, p *patient) { p.store.hooks.LastEvent = time.Time{} }, "notion webhook", doctor.Unknown, "no event", "change a page"},
		{"no channel", func(_ *testing.T, p *patient) { p.Channels = nil }, "slack", doctor.Warning, "nothing rings", "SLACK_WEBHOOK_URL"},
		{"a Slack that is out of reach", func(_ *testing.T, p *patient) { p.slack.SetUnreachable(true) }, "slack channel sales", doctor.Failing, "", "slack-status.com"},
		{"a disk that is almost full", func(_ *testing.T, p *patient) { p.store.space.Free = 5 << 20 }, "disk", doctor.Failing, "5.2 MB free", "df -h"},
		{"a disk that fills up", func(_ *testing.T, p *patient) { p.store.space.Free = 100 << 20 }, "disk", doctor.Warning, "104.9 MB free", "df -h"},
		{"a log that does not shrink", func(_ *testing.T, p *patient) { p.store.space.Log = 100 << 20 }, "disk", doctor.Warning, "reads an old state", "restart"},
		{"no backup", func(_ *testing.T, p *patient) { p.store.backup = time.Time{} }, "backup", doctor.Warning, "never", "dealbell backup"},
		{"an old backup", func(_ *testing.T, p *patient) { p.store.backup = time.Now().Add(-72 * time.Hour) }, "backup", doctor.Warning, "3 days", "dealbell backup"},
		{"nobody told the address", func(_ *testing.T, p *patient) { p.PublicURL = "" }, "public address", doctor.Unknown, "nobody told", "public_url"},
		{"a name that the DNS does not know", func(_ *testing.T, p *patient) {
			p.World = fails(&net.DNSError{IsNotFound: true, Name: "crm.example.com"})
		}, "public address", doctor.Failing, "not known to the DNS", "A or AAAA"},
		{"a proxy that is down", func(_ *testing.T, p *patient) {
			p.World = fails(&net.OpError{Op: "dial", Err: errors.New("connection refused")})
		}, "public address", doctor.Failing, "connection refused", "systemctl status caddy"},
		{"somebody else's page", func(_ *testing.T, p *patient) {
			p.World = always("<html>")
		}, "public address", doctor.Failing, "somebody else", "Caddyfile"},
		{"a certificate that ends", func(_ *testing.T, p *patient) { p.World = site(200, time.Now().Add(73*time.Hour)) }, "public address", doctor.Warning, "3 days", "journalctl -u caddy"},
		{"an admin listener that is open", func(_ *testing.T, p *patient) {
			p.World = always(health)
		}, "public address", doctor.Failing, "admin listener is open", "DEALBELL_LISTEN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := healthy(t, db)
			tt.ill(t, p)
			report := doctor.New(p.Options).Examine(t.Context())
			for _, f := range report.Findings {
				if f.Check == tt.check && f.State == tt.state && strings.Contains(f.Text, tt.text) && strings.Contains(f.Next, tt.next) {
					return
				}
			}
			t.Errorf("no finding is %s %s, says %q and leads to %q: %+v", tt.check, tt.state, tt.text, tt.next, report.Findings)
		})
	}
}

// person is a Notion that takes the token for that of a person.
type person struct{ doctor.Notion }

func (p person) Me(ctx context.Context) (notion.Bot, error) {
	me, err := p.Notion.Me(ctx)
	me.Person = true
	return me, err
}

// away is a Notion that does not answer, without the client's tries again.
type away struct{ doctor.Notion }

func (away) Me(context.Context) (notion.Bot, error) { return notion.Bot{}, crm.ErrUnavailable }

func (away) RefreshSchema(context.Context, string) (crm.Schema, error) {
	return crm.Schema{}, crm.ErrUnavailable
}

// silence takes every question and never answers.
type silence struct{ doctor.Notion }

func (silence) Me(ctx context.Context) (notion.Bot, error) {
	<-ctx.Done()
	return notion.Bot{}, ctx.Err()
}

func (silence) RefreshSchema(ctx context.Context, _ string) (crm.Schema, error) {
	<-ctx.Done()
	return crm.Schema{}, ctx.Err()
}

func (silence) Check(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// A page that shows the report has to be sent within 50 seconds.
func TestAReportIsThereWithinHalfAMinuteWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newStore(t)
		p := healthy(t, db)
		p.Notion, p.Slack = silence{}, silence{}
		p.World = world(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		began := time.Now()
		report := doctor.New(p.Options).Examine(t.Context())
		if took := time.Since(began); took > 31*time.Second {
			t.Errorf("it took %v", took)
		}
		failing := 0
		for _, f := range report.Findings {
			if f.State == doctor.Failing {
				failing++
			}
		}
		if failing < 5 {
			t.Errorf("%d findings are failing, want the token, two databases, the channel and the address: %+v", failing, report.Findings)
		}
		if err := db.Close(); err != nil { // what it runs ends in here
			t.Error(err)
		}
	})
}

func skewed(d time.Duration) func() notion.State {
	return func() notion.State { return notion.State{Skew: d} }
}

// fill runs into the wall of the Free plan and leaves a job that waits there.
func (p *patient) fill(t *testing.T) {
	t.Helper()
	p.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Fault: sandbox.BlockLimit}}})
	_, refusal := p.client.Lane(crm.Live).Create(t.Context(), p.crm.Contacts.ID, nil, nil)
	if refusal == nil {
		t.Fatal("a full workspace took a page")
	}
	p.Connection = func() notion.State { return notion.State{} } // another process met the wall
	p.wait(t, refusal.Error())
}

// wait leaves a job that waits for a reason.
func (p *patient) wait(t *testing.T, reason string) {
	t.Helper()
	job := crm.Job{Kind: "lead.upsert", Lane: crm.Live, Key: "k"}
	if err := p.store.Apply(t.Context(), crm.Commit{Jobs: []crm.Job{job}}); err != nil {
		t.Fatal(err)
	}
	claimed, _, err := p.store.Turn(t.Context(), nil, crm.Room{Notion: 1, Lanes: map[crm.Lane]int{crm.Live: 1}})
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %d jobs: %v", len(claimed), err)
	}
	end := crm.End{Job: claimed[0], State: crm.JobWaiting, At: time.Now().Add(time.Hour), Tried: true, Reason: reason}
	if _, _, err := p.store.Turn(t.Context(), []crm.End{end}, crm.Room{}); err != nil {
		t.Fatal(err)
	}
}

// TestAReportCanBeShownToStrangers lets everybody talk too much.
func TestAReportCanBeShownToStrangers(t *testing.T) {
	t.Parallel()
	p := healthy(t, newStore(t))
	p.World = fails(&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 443}, Err: errors.New("refused")})
	p.Slack = talkative{}
	p.store.sum = &store.Summary{Open: 1, Depths: []store.Depth{{Lane: crm.Live, State: crm.JobWaiting, Count: 1, Oldest: time.Now().Add(-time.Hour)}}}
	p.wait(t, `update page 1: Name is expected to be text, instead was {"Canary Smith": 1} (validation_error, 400, request 4f0a)`)
	text, err := json.Marshal(doctor.New(p.Options).Examine(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"ana@example.com", "crm.example.com", "203.0.113.7", "right", "hooks.slack.com", "Canary"} {
		if strings.Contains(string(text), private) {
			t.Errorf("the report names %s: %s", private, text)
		}
	}
	for _, told := range []string{"«email»", "Notion answered validation_error, 400, request 4f0a"} {
		if !strings.Contains(string(text), told) {
			t.Errorf("the report lacks %q: %s", told, text)
		}
	}
}

type talkative struct{}

func (talkative) Check(context.Context, string) error {
	return crm.WithHint(errors.New("no member ana@example.com"), "write to ana@example.com")
}

// TestACertificateIsJudgedOverASocket lets net/http say what is wrong with one.
func TestACertificateIsJudgedOverASocket(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, ends := range map[string]time.Time{"its certificate has expired": time.Now().Add(-time.Hour), "its certificate is not valid for it": time.Now().Add(time.Hour)} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: ends, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		server.StartTLS()
		defer server.Close()
		p := healthy(t, newStore(t))
		pool := x509.NewCertPool()
		if template.NotAfter.Before(time.Now()) { // else nobody knows who signed it
			known, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			pool.AddCert(known)
		}
		p.PublicURL, p.World = server.URL, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
		report := doctor.New(p.Options).Examine(t.Context())
		last := report.Findings[len(report.Findings)-1]
		if last.State != doctor.Failing || !strings.Contains(last.Text, name) || !strings.Contains(last.Next, "caddy") {
			t.Errorf("got %+v, want %q", last, name)
		}
	}
}
