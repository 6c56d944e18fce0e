package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

const pageLength = 50

// leadsView is a page of the list.
type leadsView struct {
	Query     string
	Standing  store.Standing
	Form      string
	Standings []option
	Forms     []option
	Leads     []leadRow
	Before    int64 // where older ones begin; 0 at the end
	Older     string
	First     bool
	Judge     bool // those that are shown can be released or dropped
}

type option struct {
	Value, Label string
	Chosen       bool
}

type leadRow struct {
	ID     string
	At     time.Time
	Who    string // name, else address
	Email  string // where Who is a name
	Form   string
	State  stateView
	URL    string
	Reason []string
}

// stateView is where a delivery stands, in words.
type stateView struct{ Label, Class string }

// stateOf says what became of a lead.
func stateOf(l store.Lead) stateView {
	switch l.State {
	case crm.DeliveryHeld:
		return stateView{"Held", "wait"}
	case crm.DeliveryDead:
		return stateView{"Stuck", "bad"}
	case crm.DeliveryDropped:
		return stateView{"Dropped", ""}
	case crm.DeliveryDone:
		if l.Outcome == crm.Updated {
			return stateView{"Updated a contact", "good"}
		}
		return stateView{"In Notion", "good"}
	}
	return stateView{"On the way", ""}
}

var standings = []option{
	{Value: "", Label: "All"},
	{Value: string(store.StandingHeld), Label: "Held"},
	{Value: string(store.StandingOpen), Label: "On the way"},
	{Value: string(store.StandingDone), Label: "In Notion"},
	{Value: string(store.StandingDead), Label: "Stuck"},
	{Value: string(store.StandingDropped), Label: "Dropped"},
}

// chosen marks one of the options; an unknown value is none.
func chosen(options []option, value string) ([]option, string) {
	marked := slices.Clone(options)
	for i := range marked {
		if marked[i].Chosen = marked[i].Value == value; marked[i].Chosen {
			return marked, value
		}
	}
	marked[0].Chosen = true
	return marked, marked[0].Value
}

func (s *site) formOptions() []option {
	options := []option{{Value: "", Label: "All forms"}}
	for _, name := range slices.Sorted(maps.Keys(s.Forms)) {
		options = append(options, option{Value: name, Label: formLabel(name)})
	}
	return options
}

// formLabel calls the form that every Dealbell has by what it is.
func formLabel(name string) string {
	if name == lead.Website {
		return "website"
	}
	return name
}

// listLeads shows a page of leads. What is looked for is posted.
func (s *site) listLeads(w http.ResponseWriter, r *http.Request) {
	v := leadsView{Query: strings.TrimSpace(r.PostFormValue("q"))}
	var standing string
	v.Standings, standing = chosen(standings, r.FormValue("state"))
	v.Forms, v.Form = chosen(s.formOptions(), r.FormValue("form"))
	v.Standing = store.Standing(standing)
	if r.Method == http.MethodPost && v.Query == "" {
		http.Redirect(w, r, v.Address(0), http.StatusSeeOther)
		return
	}
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64) // nothing readable is the beginning
	f := store.LeadFilter{Standing: v.Standing, Form: v.Form, Before: max(0, before), Limit: pageLength}
	if email, err := crm.ParseEmail(v.Query); err == nil {
		f.Key = email.Key
	} else {
		f.Text = v.Query
	}
	found, older, err := s.Leads.Leads(r.Context(), f)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, l := range found {
		v.Leads = append(v.Leads, s.leadRow(l))
	}
	v.Before, v.First, v.Judge = older, f.Before == 0, v.Standing == store.StandingHeld && len(found) > 0
	if v.Older = "Older"; len(found) < pageLength {
		v.Older = "Look further back"
	}
	s.render(w, r, http.StatusOK, view{Page: "leads", Title: "Leads", Content: v})
}

// Address is the list without a search, from a place on.
func (v leadsView) Address(before int64) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": string(v.Standing), "form": v.Form} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	if len(q) == 0 {
		return "/leads"
	}
	return "/leads?" + q.Encode()
}

func (s *site) leadRow(l store.Lead) leadRow {
	row := leadRow{ID: l.ID, At: l.ReceivedAt, Form: formLabel(l.Source), State: stateOf(l), URL: l.URL}
	said := s.read(l.Delivery)
	row.Who, row.Email = said.Name, said.Email
	if row.Who == "" {
		row.Who, row.Email = said.Email, ""
	}
	if row.Who == "" {
		row.Who = "Somebody without an address"
	}
	if l.State == crm.DeliveryHeld {
		row.Reason = reasons(l.Reason)
	}
	return row
}

// judgeHeld releases or drops held deliveries.
func (s *site) judgeHeld(w http.ResponseWriter, r *http.Request) {
	ids := r.PostForm["id"]
	back := "/leads?state=held"
	if r.PostFormValue("back") == "lead" && len(ids) == 1 {
		back = "/leads/" + url.PathEscape(ids[0])
	}
	done := "none"
	for _, id := range ids {
		word, err := s.judge(r, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			done = "gone"
		case err != nil:
			s.advise(w, r, err)
			return
		case done != "gone":
			done = word
		}
	}
	s.Wake()
	seeOther(w, r, back, done)
}

func (s *site) judge(r *http.Request, id string) (done string, err error) {
	if r.PostFormValue("do") == "drop" {
		return "dropped", s.Replay.Discard(r.Context(), id)
	}
	l, err := s.Leads.Lead(r.Context(), id)
	if err != nil {
		return "", err
	}
	return "released", s.Replay.Admit(r.Context(), l.Delivery)
}

// advise says why something could not be done, with the next step where it is
// known.
func (s *site) advise(w http.ResponseWriter, r *http.Request, err error) {
	text := sentence(err.Error())
	if hint, ok := crm.Hint(err); ok {
		text += " " + sentence(hint)
	}
	s.refuse(w, r, http.StatusConflict, "That could not be done", text)
}
