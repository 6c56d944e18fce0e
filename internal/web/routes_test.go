package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// open are the routes that need no session. Whoever adds one has to say why
// here.
var open = map[string]string{
	"GET /login":          "the way in",
	"POST /login":         "the way in",
	"GET /setup/{token}":  "needs a token that only the machine's owner can make",
	"POST /setup/{token}": "likewise",
	"GET /static/{file}":  "the same for everybody",
	"GET /metrics":        "Prometheus has no password; it holds numbers only",
	"GET /api/v1/status":  "takes the bearer token as well",
}

type route struct{ method, pattern, path string }

// walk lists all routes, with a path that leads to each.
func (w *world) walk() (found []route) {
	w.t.Helper()
	must(w.t, chi.Walk(w.handler.(chi.Routes), func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path := pattern
		for strings.Contains(path, "{") {
			before, rest, _ := strings.Cut(path, "{")
			_, after, _ := strings.Cut(rest, "}")
			path = before + "1" + after
		}
		found = append(found, route{method, pattern, path})
		return nil
	}))
	return found
}

func TestEveryRouteButTheOpenOnesNeedsASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setPassword()
	routes := w.walk()
	if len(routes) < len(open)+2 {
		t.Fatalf("only %d routes were found", len(routes))
	}
	seen := map[string]bool{}
	for _, r := range routes {
		name := r.method + " " + r.pattern
		seen[name] = true
		if open[name] != "" {
			continue
		}
		answer := w.do(r.method, r.path, url.Values{"proof": {"guessed"}})
		wants := []int{http.StatusUnauthorized}
		if r.method == http.MethodGet {
			wants = append(wants, http.StatusSeeOther)
		}
		if !slices.Contains(wants, answer.Code) || answer.Code == http.StatusSeeOther && !strings.HasPrefix(answer.Header().Get("Location"), "/login?") {
			t.Errorf("%s without a session = %d to %q", name, answer.Code, answer.Header().Get("Location"))
		}
	}
	for name := range open {
		if !seen[name] {
			t.Errorf("%s is said to be open and does not exist", name)
		}
	}
}

func TestEveryChangeNeedsProofThatAPageOfTheSessionAskedForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	changes := 0
	for _, r := range w.walk() {
		switch {
		case r.method == http.MethodGet:
			continue
		case r.method != http.MethodPost:
			t.Errorf("%s %s: forms only get and post", r.method, r.pattern)
			continue
		}
		changes++
		name := r.method + " " + r.pattern
		if open[name] == "" {
			for _, proof := range []url.Values{nil, {"proof": {""}}, {"proof": {"guessed"}}} {
				if got := w.do(r.method, r.path, proof).Code; got != http.StatusForbidden {
					t.Errorf("%s with the proof %q = %d, want 403", name, proof.Get("proof"), got)
				}
			}
		}
		w.header.Set("Sec-Fetch-Site", "cross-site")
		if got := w.do(r.method, r.path, nil).Code; got != http.StatusForbidden {
			t.Errorf("%s from another site = %d, want 403", name, got)
		}
		w.header.Del("Sec-Fetch-Site")
	}
	if changes < 3 {
		t.Errorf("only %d routes change something", changes)
	}
	if got := w.get("/").Code; got != http.StatusOK {
		t.Errorf("/ = %d after all that, want 200: the session is still there", got)
	}
}

func TestAnswersCarryTheHeadersThatKeepABrowserSafe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	for _, path := range []string{"/", "/login", "/nothing", "/metrics", "/api/v1/status"} {
		h := w.get(path).Header()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy is %q", path, csp)
		}
	}
}

func TestAHostThatIsNotOursReadsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options.Hosts = []string{"bell.example.com"}
	w.build()
	w.setPassword()
	for host, want := range map[string]int{
		"127.0.0.1:3001": 200, "[::1]:3001": 200, "localhost:3001": 200, "bell.localhost": 200, "dealbell:3001": 200, "192.168.1.7": 200,
		"bell.example.com": 200, "BELL.example.com.:443": 200,
		"evil.example": 421, "127.0.0.1.evil.example:3001": 421, "bell.example.com.evil.example": 421, ":3001": 421,
	} {
		w.header.Set("Host", host)
		for _, path := range []string{"/metrics", "/login"} {
			if got := w.get(path).Code; got != want {
				t.Errorf("%s of %s = %d, want %d", path, host, got, want)
			}
		}
	}
}
