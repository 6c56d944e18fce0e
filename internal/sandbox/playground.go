package sandbox

import (
	"html/template"
	"net/http"
	"time"
)

// PlaygroundOptions says what a playground is made of.
type PlaygroundOptions struct {
	Website *Website
	Notion  *Workspace
	CRM     CRM
	Slack   *Slack
	Actions []Action  // buttons above the messages of Slack
	Trouble []Trouble // buttons that make something go wrong
	// Score tells how things stand.
	Score func() Score
}

// Trouble is a button that makes something go wrong.
type Trouble struct {
	Name    string // in addresses: lower-case letters
	Title   string
	Promise string // what is going to happen, in a sentence
	// Press begins, and returns at once.
	Press func()
	// State tells how it goes.
	State func() TroubleState
}

// TroubleState is how a trouble goes.
type TroubleState struct {
	Button  string // what the button says
	Busy    bool   // it cannot be pressed now
	Outcome string // what did happen, so far
	Mark    Mark   // of the outcome
}

// Mark says how good something is.
type Mark string

// The marks.
const (
	Plain    Mark = ""
	Good     Mark = "good"     // a promise was kept
	Bad      Mark = "bad"      // a promise was broken
	Troubled Mark = "troubled" // something goes wrong, as it should
)

// Score is what a playground shows beside its pages.
type Score struct {
	Lamps    []Lamp
	Counters []Counter
	Log      []LogEntry // the newest first
	// Dashboard leads to Dealbell's own pages; its address may be empty.
	Dashboard Link
	Password  string // of the dashboard; "" for none
}

// Lamp tells whether a part is well.
type Lamp struct {
	Name, Text string
	Mark       Mark
}

// Counter is a number with its name.
type Counter struct {
	Name, Label string
	Value       int
	Mark        Mark
}

// LogEntry is something that a newcomer should notice.
type LogEntry struct {
	ID   int // counts up
	At   time.Time
	Text string
	Mark Mark
}

// shownContacts is how many contacts have room beside everything else.
const shownContacts = 8

type playground struct {
	o       PlaygroundOptions
	board   board
	channel *channelPage
	page    *template.Template
}

type playgroundView struct {
	Score
	Website  websiteView
	Contacts contactsView
	Deals    boardView
	Channel  channelView
	Trouble  []troubleView
}

type troubleView struct {
	Trouble
	TroubleState
}

// Playground is a page with everything side by side: the website, the contacts
// and the deals in Notion, the messages in Slack, buttons for trouble, and the
// score. Each of them has a page of its own as well, at website/, contacts/,
// deals/ and slack/.
func Playground(o PlaygroundOptions) http.Handler {
	nav := func(here int) []Link {
		links := []Link{{"Playground", "../"}, {"Website", "../website/"}, {"Contacts", "../contacts/"}, {"Deals", "../deals/"}, {"Slack", "../slack/"}}
		links[here].URL = ""
		return links
	}
	o.Website.o.Nav, o.Website.o.ContactsURL = nav(1), "../contacts/"
	p := &playground{
		o: o, page: pageTemplates(),
		board:   o.Notion.newBoard(o.CRM.Deals, BoardOptions{Nav: nav(3)}),
		channel: o.Slack.newChannelPage(ChannelPageOptions{Actions: o.Actions, Nav: nav(4)}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("POST /trouble/{name}", p.press)
	for at, h := range map[string]http.Handler{
		"/website/": o.Website, "/contacts/": o.Notion.ContactsPage(o.CRM.Contacts, nav(2)...), "/deals/": p.board.handler(), "/slack/": p.channel.handler(),
	} {
		mux.Handle(at, http.StripPrefix(at[:len(at)-1], h))
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

func (p *playground) show(rw http.ResponseWriter, _ *http.Request) {
	v := playgroundView{
		Score: p.o.Score(), Website: p.o.Website.blank(), Contacts: p.o.Notion.contactsView(p.o.CRM.Contacts, shownContacts),
		Deals: p.board.view(), Channel: p.channel.view(),
	}
	v.Website.At, v.Deals.At, v.Channel.At = "website/", "deals/", "slack/"
	for _, t := range p.o.Trouble {
		v.Trouble = append(v.Trouble, troubleView{t, t.State()})
	}
	render(rw, p.page, "playground.html", http.StatusOK, v)
}

func (p *playground) press(rw http.ResponseWriter, r *http.Request) {
	for _, t := range p.o.Trouble {
		if t.Name != r.PathValue("name") {
			continue
		}
		if !t.State().Busy {
			t.Press()
		}
		rw.Header().Set("Location", "../")
		rw.WriteHeader(http.StatusSeeOther)
		return
	}
	http.NotFound(rw, r)
}
