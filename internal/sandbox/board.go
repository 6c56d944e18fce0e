package sandbox

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// BoardOptions says which properties a board is made of. The database must
// have them.
type BoardOptions struct {
	Stage string // a select or status; its options are the columns. Default "Stage"
	Value string // a number. Default "Value"
	Owner string // people. Default "Owner"
	Nav   []Link // to other pages of a demo
}

type board struct {
	BoardOptions
	w    *Workspace
	db   *Database
	page *template.Template
}

type boardView struct {
	Nav     []Link
	At      string // where the board lies, seen from the page that shows it
	Name    string
	Count   int
	Columns []boardColumn
	Stages  []string
	People  []Person
	Problem string
}

type boardColumn struct {
	Stage string
	Total string
	Cards []boardCard
}

type boardCard struct {
	ID, Name, Value, Owner string
	Moves                  []string // the other stages
	number                 float64
}

// DealsBoard shows a database as a board with a column for each stage. Moving
// a card, with the mouse or with its buttons, and adding one are edits of a
// person. Elements carry data-stage and data-deal with the names they show.
func (w *Workspace) DealsBoard(db *Database, o BoardOptions) http.Handler {
	return w.newBoard(db, o).handler()
}

func (w *Workspace) newBoard(db *Database, o BoardOptions) board {
	o.Stage, o.Value, o.Owner = cmp.Or(o.Stage, "Stage"), cmp.Or(o.Value, "Value"), cmp.Or(o.Owner, "Owner")
	return board{o, w, db, pageTemplates()}
}

func (b board) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) { b.show(rw, http.StatusOK, "") })
	mux.HandleFunc("POST /{$}", b.submit)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (b board) show(rw http.ResponseWriter, status int, problem string) {
	v := b.view()
	v.Problem = problem
	render(rw, b.page, "board.html", status, v)
}

// submit moves the card that the form names, or adds one when it names none.
func (b board) submit(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(rw, "read form: "+err.Error(), http.StatusBadRequest)
		return
	}
	var problem string
	if r.PostForm.Has("move") {
		problem = b.move(r.PostFormValue("move"), r.PostFormValue("stage"))
	} else {
		problem = b.add(r)
	}
	if problem != "" {
		b.show(rw, http.StatusUnprocessableEntity, problem)
		return
	}
	back(rw)
}

// back leads to the page whose form was sent, wherever it is mounted.
func back(rw http.ResponseWriter) {
	rw.Header().Set("Location", "./")
	rw.WriteHeader(http.StatusSeeOther)
}

func (b board) move(id, stage string) (problem string) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	dashedID, _ := parseID(id)
	p := b.w.pages[dashedID]
	if p == nil || p.now().trashed || p.source.id != b.db.DataSourceID {
		return "The card is gone."
	}
	if p.source.named(b.Stage).optionNamed(stage) == nil {
		return "There is no stage " + strconv.Quote(stage) + "."
	}
	b.w.editRow(p, b.w.people[0].id, map[string]any{b.Stage: stage})
	return ""
}

func (b board) add(r *http.Request) (problem string) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	if name == "" {
		return "A deal needs a name."
	}
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	ds := b.w.sources[b.db.DataSourceID]
	values := map[string]any{ds.title().name: name}
	if text := strings.ReplaceAll(r.PostFormValue("value"), ",", ""); text != "" {
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return strconv.Quote(text) + " is not a number."
		}
		values[b.Value] = number
	}
	if owner := r.PostFormValue("owner"); b.w.user(owner) != nil {
		values[b.Owner] = []string{owner}
	}
	if stage := r.PostFormValue("stage"); ds.named(b.Stage).optionNamed(stage) != nil {
		values[b.Stage] = stage
	}
	b.w.addRow(ds, b.w.people[0].id, values)
	return ""
}

func (b board) view() boardView {
	people := b.w.People()
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	ds := b.w.sources[b.db.DataSourceID]
	out := boardView{Nav: b.Nav, At: ownServer, Name: b.db.Name, People: people}
	for _, o := range ds.named(b.Stage).options {
		out.Stages = append(out.Stages, o.name)
	}
	byStage := map[string][]boardCard{}
	for _, p := range ds.rows {
		if !p.now().trashed {
			stage, card := b.card(p, out.Stages)
			byStage[stage] = append(byStage[stage], card)
			out.Count++
		}
	}
	if len(byStage[""]) > 0 {
		out.Columns = append(out.Columns, b.column(ds, "", byStage[""]))
	}
	for _, stage := range out.Stages {
		out.Columns = append(out.Columns, b.column(ds, stage, byStage[stage]))
	}
	return out
}

func (b board) column(ds *dataSource, stage string, cards []boardCard) boardColumn {
	sum := 0.0
	for _, c := range cards {
		sum += c.number
	}
	return boardColumn{Stage: stage, Cards: cards, Total: money(ds.named(b.Value), sum)}
}

func (b board) card(p *page, stages []string) (stage string, card boardCard) {
	show := func(prop *property) string {
		return view{w: b.w, page: p, state: p.now(), prop: prop}.plain()
	}
	stage = show(p.source.named(b.Stage))
	value := p.source.named(b.Value)
	card = boardCard{ID: p.id, Name: show(p.source.title()), Owner: show(p.source.named(b.Owner))}
	if n, ok := p.now().values[value.id].(float64); ok {
		card.number, card.Value = n, money(value, n)
	}
	card.Moves = slices.DeleteFunc(slices.Clone(stages), func(s string) bool { return s == stage })
	return stage, card
}

// money writes a number with thousands separators and the sign of its format.
func money(p *property, n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	switch p.setting.Format {
	case "dollar":
		whole = "$" + whole
	case "euro":
		whole = "€" + whole
	case "pound":
		whole = "£" + whole
	}
	if n < 0 {
		whole = "-" + whole
	}
	return whole
}
