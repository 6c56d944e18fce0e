package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"math"
	"net/http"
	"slices"
)

//go:embed templates
var templates embed.FS

// pageTemplates reads the embedded pages; they are checked by the tests.
func pageTemplates() *template.Template {
	return template.Must(template.ParseFS(templates, "templates/*.html"))
}

// pagePolicy allows what the demo pages carry inside themselves, and no more.
const pagePolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func render(rw http.ResponseWriter, t *template.Template, name string, status int, data any) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(rw, "render page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	_, _ = b.WriteTo(rw)
}

// Link is a way from one page of the demo to another. One without a URL stands
// for the page that it is on.
type Link struct{ Label, URL string }

type contactsView struct {
	Nav     []Link
	Name    string
	Count   int // of all rows
	Columns []string
	Rows    []contactView
}

type contactView struct {
	ID     string
	Cells  []contactCell
	Blocks []string
}

type contactCell struct{ Label, Text string }

// ContactsPage shows the rows of a database, newest first, each with the text
// on its page. The page renews itself twice a second.
func (w *Workspace) ContactsPage(db *Database, nav ...Link) http.Handler {
	t := pageTemplates()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			rw.Header().Set("Allow", "GET, HEAD")
			http.Error(rw, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		v := w.contactsView(db, math.MaxInt)
		v.Nav = nav
		render(rw, t, "contacts.html", http.StatusOK, v)
	})
}

// contactsView shows the newest rows, limit of them.
func (w *Workspace) contactsView(db *Database, limit int) contactsView {
	out := contactsView{Name: db.Name, Columns: w.Properties(db)}
	for _, row := range slices.Backward(w.Rows(db)) {
		if row.InTrash {
			continue
		}
		if out.Count++; out.Count > limit {
			continue
		}
		c := contactView{ID: row.ID, Blocks: slices.DeleteFunc(row.Blocks, func(s string) bool { return s == "" })}
		for _, name := range out.Columns {
			c.Cells = append(c.Cells, contactCell{Label: name, Text: row.Values[name]})
		}
		out.Rows = append(out.Rows, c)
	}
	return out
}
