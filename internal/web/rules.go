package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/notify"
)

const shownMessages = 10

type rulesView struct {
	Rules    []ruleRow
	Digests  []digestRow
	Recent   []messageRow
	Doubtful []messageRow
	Trial    *trialView
}

type ruleRow struct {
	Name, Database, Channel, Words, Text, Asleep string
	Count                                        int
	Last                                         time.Time
}

type digestRow struct {
	Name, Database, Channel, Schedule, Filter, Asleep string
	Count                                             int
	Last, Next                                        time.Time
}

type messageRow struct {
	Rule, Channel, Text, Reason string
	Page                        string // id; "" when it is about many
	State                       stateView
	At                          time.Time
}

// trialView is what the rules would make of a page.
type trialView struct {
	Page    string // as it was typed
	Problem string
	notify.Trial
	Missed bool
}

func (s *site) showRules(w http.ResponseWriter, r *http.Request) {
	s.listRules(w, r, http.StatusOK, nil)
}

func (s *site) listRules(w http.ResponseWriter, r *http.Request, status int, trial *trialView) {
	v := rulesView{Trial: trial}
	if err := s.readRules(r.Context(), &v); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, status, view{Page: "rules", Title: "Rules and digests", Content: v})
}

func (s *site) readRules(ctx context.Context, v *rulesView) error {
	fired, err := s.Messages.Fired(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, one := range s.Rules {
		f := fired[one.Name]
		v.Rules = append(v.Rules, ruleRow{one.Name, one.Database, one.Channel, one.Words, one.Text, one.Asleep, f.Count, f.Last})
	}
	for _, d := range s.Digests {
		f := fired[d.Name]
		row := digestRow{d.Name, d.Database, d.Channel, d.Schedule, d.Filter, d.Asleep, f.Count, f.Last, time.Time{}}
		if d.Asleep == "" {
			row.Next = d.Next(now)
		}
		v.Digests = append(v.Digests, row)
	}
	recent, err := s.Messages.Outbox(ctx, shownMessages)
	if err != nil {
		return err
	}
	doubtful, err := s.Messages.Outbox(ctx, shownMessages, crm.MessageMaybe, crm.MessageRefused)
	v.Recent, v.Doubtful = messageRows(recent), messageRows(doubtful)
	return err
}

func messageRows(messages []crm.Message) (rows []messageRow) {
	for _, m := range messages {
		rows = append(rows, messageRow{m.Rule, channelLabel(m.Channel), m.Text, m.Reason, m.Page, messageState(m.State), m.CreatedAt})
	}
	return rows
}

// channelLabel keeps the ids of people to itself.
func channelLabel(channel string) string {
	if strings.HasPrefix(channel, notify.PersonChannel("")) {
		return "a person"
	}
	return channel
}

func messageState(s crm.MessageState) stateView {
	switch s {
	case crm.MessageSent:
		return stateView{"Sent", "good"}
	case crm.MessageMaybe:
		return stateView{"Maybe sent", "wait"}
	case crm.MessageRefused:
		return stateView{"Refused", "bad"}
	case crm.MessageDraft:
		return stateView{"Preview", ""}
	}
	return stateView{"Waiting", ""}
}

// testRules tries the rules on a page. A link to it may hold its title, so it
// is posted; and what is no link may be anything, so it is not logged.
func (s *site) testRules(w http.ResponseWriter, r *http.Request) {
	v := trialView{Page: strings.TrimSpace(r.PostFormValue("page"))}
	id := crm.NormalID(v.Page)
	if !isID(id) {
		v.Problem = "That is neither the link nor the id of a page in Notion."
		s.listRules(w, r, http.StatusUnprocessableEntity, &v)
		return
	}
	trial, err := s.Tester.Try(r.Context(), id)
	v.Trial, v.Missed = trial, trial.Missed != nil
	status := http.StatusOK
	if err != nil {
		status, v.Problem = http.StatusUnprocessableEntity, "The page could not be read. Is this the link of a page that is shared with Dealbell?"
		if errors.Is(err, crm.ErrUnavailable) {
			v.Problem = "Notion does not answer, and Dealbell has not seen this page before. Try again in a minute."
		}
		s.Log.Warn("rules could not be tried", "error", err)
	}
	s.listRules(w, r, status, &v)
}

// orderDigest makes a digest now, to be sent or only looked at.
func (s *site) orderDigest(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	if d, ok := s.digest(name); !ok || d.Asleep != "" {
		s.refuse(w, r, http.StatusNotFound, "There is no such digest", "It is not there, or it is off. "+d.Asleep)
		return
	}
	order, err := s.Order(r.Context(), name, r.PostFormValue("do") != "run")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, orderPath(order), http.StatusSeeOther)
}

func (s *site) digest(name string) (Digest, bool) {
	for _, d := range s.Digests {
		if d.Name == name {
			return d, true
		}
	}
	return Digest{}, false
}

type orderView struct {
	digest.Order
	digest.Progress
	Problem string
	Rows    []messageRow
}

// showDigest shows what became of an order; while it is being made the browser
// asks again by itself.
func (s *site) showDigest(w http.ResponseWriter, r *http.Request) {
	v := orderView{Order: orderOf(r)}
	if _, ok := s.digest(v.Name); !ok || !strings.HasPrefix(v.Slot, notify.ByHand) {
		s.refuse(w, r, http.StatusNotFound, "There is no such digest", "It may have another name by now.")
		return
	}
	var err error
	if v.Progress, err = v.Order.Progress(r.Context(), s.Messages); err != nil {
		v.Problem = sentence(err.Error())
	}
	if v.Waits {
		w.Header().Set("Refresh", "1")
	}
	v.Rows = messageRows(v.Messages)
	s.render(w, r, http.StatusOK, view{Page: "digest", Title: "Digest " + v.Name, Content: v})
}
