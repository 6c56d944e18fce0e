package web

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	chartDays  = 30
	figuresAge = time.Second      // as old as the live numbers may be, however many look at them
	chartAge   = 10 * time.Minute // as old as the days before today may be: they hardly change
)

// figures are the numbers that were read last: tabs that follow them share
// one read a second.
type figures struct {
	mu    sync.Mutex
	at    time.Time
	last  overviewView
	days  []int // before today
	dayAt time.Time
}

// overviewView is whether everything is fine, and the numbers behind it.
type overviewView struct {
	Troubles  []trouble
	Bad       bool // one of them costs something until somebody acts
	Today     int
	Open      int // leads not in Notion yet
	Chart     chart
	Short     string // why the chart may not show all days
	Lanes     []laneView
	Notion    notionView
	LastEvent time.Time
	Hooked    bool // Notion's webhook is subscribed
	Reads     []readView
	Digests   []dueView
	Bytes     int64
}

type laneView struct {
	Name    string
	Due     int // ready, running, or behind another of the same contact
	Later   int
	Dead    int
	Expects time.Duration // until the last that is due had its turn; 0 for none, or where Notion is not needed
}

type notionView struct {
	Used, Most int
	Share      int // percent of the budget
	State      notion.State
}

type readView struct {
	Name    string
	At      time.Time
	First   bool // the first read is under way
	Overdue bool
}

type dueView struct {
	Name string
	At   time.Time
}

func (s *site) overview(w http.ResponseWriter, r *http.Request) {
	v, err := s.figures.fresh(r.Context(), 0, s.readOverview)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, view{Page: "overview", Title: "Overview", Content: v})
}

// fresh returns numbers of a given age at most.
func (f *figures) fresh(ctx context.Context, age time.Duration, read func(context.Context, time.Time) (overviewView, error)) (overviewView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if age > 0 && now.Sub(f.at) < age {
		return f.last, nil
	}
	v, err := read(ctx, now)
	if err == nil {
		f.at, f.last = now, v
	}
	return v, err
}

// readOverview asks the store. The caller holds the figures.
func (s *site) readOverview(ctx context.Context, now time.Time) (v overviewView, err error) {
	sum, err := s.Figures.Summarise(ctx)
	if err != nil {
		return v, err
	}
	hooks, err := s.Figures.Hooks(ctx)
	if err != nil {
		return v, err
	}
	if v.Chart, err = s.arrivals(ctx, now); err != nil {
		return v, err
	}
	v.Today, v.Open, v.Bytes = v.Chart.Bars[chartDays-1].Value, sum.Open, sum.Bytes
	if s.Keep < (chartDays-1)*24*time.Hour {
		v.Short = "Finished submissions are kept for " + crm.Span(s.Keep) + ", so older days show too few."
	}
	v.Notion.State = s.Notion.State()
	v.Notion.Used, v.Notion.Most = s.Notion.Budget()
	v.Notion.Share = min(100, 100*v.Notion.Used/max(1, v.Notion.Most))
	v.Lanes = lanes(sum.Depths, float64(v.Notion.Most)/60)
	v.LastEvent, v.Hooked = hooks.LastEvent, s.Subscribed || len(hooks.Tokens) > 0
	v.Reads = s.reads(sum.Reads, now)
	for _, d := range s.Digests {
		if d.Asleep == "" {
			v.Digests = append(v.Digests, dueView{d.Name, d.Next(now)})
		}
	}
	v.Troubles = s.troubles(sum, hooks, v, now)
	for _, t := range v.Troubles {
		v.Bad = v.Bad || t.Bad
	}
	return v, nil
}

// arrivals draws the leads of each day. Only today is counted each time.
func (s *site) arrivals(ctx context.Context, now time.Time) (chart, error) {
	year, month, day := now.In(s.Zone).Date()
	bounds := make([]time.Time, chartDays+1)
	for i := range bounds {
		bounds[i] = time.Date(year, month, day+i-chartDays+1, 0, 0, 0, 0, s.Zone)
	}
	f := &s.figures
	if now.Sub(f.dayAt) >= chartAge || f.dayAt.Before(bounds[chartDays-1]) {
		days, err := s.Figures.Arrivals(ctx, bounds[:chartDays])
		if err != nil {
			return chart{}, err
		}
		f.days, f.dayAt = days, now
	}
	today, err := s.Figures.Arrivals(ctx, bounds[chartDays-1:])
	if err != nil {
		return chart{}, err
	}
	c := chart{What: "Leads by day", One: "lead", Many: "leads"}
	for i, n := range append(f.days[:chartDays-1:chartDays-1], today...) {
		c.Bars = append(c.Bars, bar{Label: bounds[i].Format("Mon 2 Jan"), Value: n})
	}
	return c.drawn(), nil
}

// laneNames say what a lane carries.
var laneNames = map[crm.Lane]string{
	crm.Live: "Leads and webhooks", crm.Notify: "Slack messages", crm.Sync: "Reading Notion", crm.Bulk: "Imports",
}

// lanes counts what waits. More urgent lanes go first, and a job takes one
// request at least.
func lanes(depths []store.Depth, perSecond float64) []laneView {
	found := make([]laneView, len(crm.Lanes))
	for i, lane := range crm.Lanes {
		found[i].Name = laneNames[lane]
	}
	for _, d := range depths {
		if int(d.Lane) >= len(found) {
			continue
		}
		switch l := &found[d.Lane]; d.State {
		case crm.JobDead:
			l.Dead += d.Count
		case crm.JobWaiting:
			l.Later += d.Count
		default:
			l.Due += d.Count
		}
	}
	ahead := 0
	for i, lane := range crm.Lanes {
		if !lane.NeedsNotion() || perSecond <= 0 {
			continue
		}
		if ahead += found[i].Due; found[i].Due > 0 {
			found[i].Expects = time.Duration(float64(ahead) / perSecond * float64(time.Second))
		}
	}
	return found
}

func (s *site) reads(reads []crm.Read, now time.Time) (found []readView) {
	for _, db := range s.Databases {
		v := readView{Name: cmp.Or(db.Name, db.ID), First: true}
		for _, r := range reads {
			if r.Database == db.ID {
				v.At, v.First = r.PolledAt, r.CompletedAt.IsZero()
				v.Overdue = !v.First && now.Sub(r.PolledAt) > 3*db.Every+time.Minute
			}
		}
		found = append(found, v)
	}
	return found
}
