package sandbox

import (
	"context"
	"html/template"
	"net/http"
	"strconv"
	"sync"
)

// ChannelPageOptions shapes the page of a Slack.
type ChannelPageOptions struct {
	// Title is the heading. Default "Slack".
	Title string
	// Actions are buttons above the messages.
	Actions []Action
	// Nav leads to other pages of a demo.
	Nav []Link
}

// Action is a button that does something. The page shows whether it went well.
type Action struct {
	Label string
	Run   func(context.Context) error
}

type channelPage struct {
	ChannelPageOptions
	s    *Slack
	page *template.Template

	mu    sync.Mutex // guards what follows
	label string     // of the last action
	err   error
}

type channelView struct {
	Nav      []Link
	At       string // where the channel lies, seen from the page that shows it
	Title    string
	Actions  []Action
	Done     string // the last action, if it went well
	Failed   string // or if it did not
	Problem  string
	Messages []messageView
}

type messageView struct {
	TS, Channel, User, Time, Stamp string
	Reply                          bool
	Spans                          []span
}

// ChannelPage shows the messages of all channels like a chat, the newest last.
// It renews itself twice a second.
func (s *Slack) ChannelPage(o ChannelPageOptions) http.Handler {
	return s.newChannelPage(o).handler()
}

func (s *Slack) newChannelPage(o ChannelPageOptions) *channelPage {
	if o.Title == "" {
		o.Title = "Slack"
	}
	return &channelPage{ChannelPageOptions: o, s: s, page: pageTemplates()}
}

func (p *channelPage) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("POST /{$}", p.act)
	return http.NewCrossOriginProtection().Handler(mux)
}

// act runs the action whose number the button sends.
func (p *channelPage) act(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
	n, err := strconv.Atoi(r.PostFormValue("action"))
	if err != nil || n < 0 || n >= len(p.Actions) {
		http.Error(rw, "there is no such action", http.StatusBadRequest)
		return
	}
	a := p.Actions[n]
	err = a.Run(r.Context())
	p.mu.Lock()
	p.label, p.err = a.Label, err
	p.mu.Unlock()
	back(rw)
}

func (p *channelPage) show(rw http.ResponseWriter, _ *http.Request) {
	render(rw, p.page, "channel.html", http.StatusOK, p.view())
}

func (p *channelPage) view() channelView {
	v := channelView{Nav: p.Nav, At: ownServer, Title: p.Title, Actions: p.Actions, Messages: p.s.messageViews()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		v.Failed, v.Problem = p.label, p.err.Error()
	} else {
		v.Done = p.label
	}
	return v
}

func (s *Slack) messageViews() []messageView {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []messageView
	for _, m := range s.messages {
		name := "#" + m.Channel
		if c := s.channel(m.Channel); c.with != nil {
			name = "@" + c.with.name
		}
		out = append(out, messageView{
			TS: m.TS, Channel: name, User: m.User, Reply: m.ThreadTS != "",
			Time: m.Time.Format("15:04:05"), Stamp: m.Time.Format("2006-01-02T15:04:05Z07:00"),
			Spans: s.spans(m.Shown(), span{}),
		})
	}
	return out
}
