package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

//go:embed templates static
var files embed.FS

// pages are the templates and static files, read once.
type pages struct {
	byName map[string]*template.Template
	static map[string][]byte
	mark   string // changes with the static files, so that browsers may keep them
}

// view is what a page is made of.
type view struct {
	Page    string // the template
	Title   string
	Content any
}

// frame is a view with what every page shows around it.
type frame struct {
	view
	Nav     []link
	Proof   string // of forms; "" when nobody is logged in
	Notice  string // what has just been done
	Mark    string
	Version string
	now     time.Time
	zone    *time.Location
}

type link struct {
	Path, Label string
	Current     bool
}

// When is a time as the page shows it.
func (f frame) When(t time.Time) moment { return when(t, f.now, f.zone) }

// ZoneName says by which clock.
func (f frame) ZoneName() string { return f.now.In(f.zone).Format("MST (UTC-07:00)") }

func newPages() (*pages, error) {
	p := &pages{byName: map[string]*template.Template{}, static: map[string][]byte{}}
	sum := sha256.New()
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p.static[path.Base(name)] = content
		sum.Write(content)
	}
	p.mark = hex.EncodeToString(sum.Sum(nil)[:6])
	shared, err := template.New("").Funcs(template.FuncMap{
		"number": number, "count": rules.Count, "size": size, "sentence": sentence, "span": crm.Span, "money": money, "pair": pair,
	}).ParseFS(files, "templates/parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	names, err = fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		one, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if one, err = one.ParseFS(files, name); err != nil {
			return nil, fmt.Errorf("read templates: %w", err)
		}
		p.byName[strings.TrimSuffix(path.Base(name), ".html")] = one
	}
	return p, nil
}

// pair hands a template what it shows together with the page around it.
func pair(f frame, of any) struct {
	Page frame
	Of   any
} {
	return struct {
		Page frame
		Of   any
	}{f, of}
}

// render answers with a page.
func (s *site) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	f := frame{view: v, Mark: s.mark, Version: s.Version, now: time.Now(), zone: s.Zone, Notice: notices[r.URL.Query().Get("done")]}
	if who, in := sessionOf(r); in {
		f.Nav, f.Proof = navigation(r.URL.Path), who.proof()
	}
	var b bytes.Buffer
	if err := s.byName[v.Page].ExecuteTemplate(&b, "frame", f); err != nil {
		s.Log.Error("a page could not be made", "page", v.Page, "error", err)
		http.Error(w, "The page could not be made; the log says more.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser may be gone
}

// navigation lists the pages; the current one is marked.
func navigation(here string) []link {
	links := []link{
		{Path: "/", Label: "Overview"},
		{Path: "/leads", Label: "Leads"},
		{Path: "/pipeline", Label: "Pipeline"},
		{Path: "/failures", Label: "Failures"},
		{Path: "/rules", Label: "Rules"},
		{Path: "/records", Label: "Records"},
		{Path: "/health", Label: "Health"},
	}
	for i, l := range links {
		links[i].Current = here == l.Path || l.Path != "/" && strings.HasPrefix(here, l.Path+"/")
	}
	return links
}

// notices say what has just been done, by the word that the address of the
// next page carries.
var notices = map[string]string{
	"released": "Released: it goes on to Notion now.",
	"dropped":  "Dropped.",
	"retried":  "It is tried again now. If it fails again it comes back here.",
	"edited":   "The submission was corrected and is tried again now. What came first is kept.",
	"examined": "Everything was looked at again.",
	"none":     "Nothing was chosen, so nothing was done.",
	"gone":     "Somebody else was quicker: some of it was done already.",
}

// seeOther leads to a page that says what was done.
func seeOther(w http.ResponseWriter, r *http.Request, path, done string) {
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	http.Redirect(w, r, path+sign+"done="+done, http.StatusSeeOther) //nolint:gosec // every caller names a path of ours
}

type refusal struct{ Text string }

// refuse says why there is no page.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	s.render(w, r, status, view{Page: "refusal", Title: title, Content: refusal{text}})
}

// fail answers when the state could not be read or written.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	s.Log.Error("a page could not be made", "error", err)
	s.refuse(w, r, http.StatusInternalServerError, "Something went wrong", "Dealbell could not do this; its log says why. Leads are taken all the same, unless the Health page says otherwise.")
}

func (s *site) serveStatic(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	content, ok := s.static[name]
	if !ok {
		s.refuse(w, r, http.StatusNotFound, "There is nothing here", "This file does not exist.")
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // its address changes with it
	_, _ = w.Write(content)                                                // the browser may be gone
}
