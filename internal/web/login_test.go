package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/web"
)

func TestASetupLinkSetsThePasswordOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if page := w.page("/login"); !strings.Contains(page, "dealbell password --link") || strings.Contains(page, `type="password"`) {
		t.Errorf("the login page does not lead to the setup: %s", page)
	}
	if got := w.try("").Code; got != http.StatusUnauthorized {
		t.Errorf("an empty password lets in without one: %d", got)
	}
	old, err := web.SetupPath(t.Context(), w.db)
	must(t, err)
	path, err := web.SetupPath(t.Context(), w.db)
	must(t, err)
	for wrong, want := range map[string]int{"/setup/guessed": 410, old.Reveal(): 410, path.Reveal(): 200} {
		if got := w.get(wrong).Code; got != want {
			t.Errorf("GET %s = %d, want %d", wrong, got, want)
		}
	}
	for _, step := range []struct {
		password, again string
		want            int
		says            string
	}{
		{"short", "short", 422, "at least 12"},
		{password, password + "!", 422, "not the same"},
		{strings.Repeat("x", 300), strings.Repeat("x", 300), 422, "more than 256"},
		{password, password, 303, ""},
		{"another long password", "another long password", 410, "works once"},
	} {
		answer := w.do(http.MethodPost, path.Reveal(), url.Values{"password": {step.password}, "again": {step.again}})
		if answer.Code != step.want || !strings.Contains(answer.Body.String(), step.says) {
			t.Errorf("%.10s, %.10s: %d %s, want %d", step.password, step.again, answer.Code, answer.Body, step.want)
		}
	}
	w.page("/") // logged in
	if said := w.logs.String(); strings.Contains(said, password) || strings.Contains(said, path.Reveal()) {
		t.Errorf("the log tells: %s", said)
	}
}

func TestAPasswordFromElsewhereEndsTheLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path, err := web.SetupPath(t.Context(), w.db)
	must(t, err)
	w.setPassword()
	if got := w.do(http.MethodPost, path.Reveal(), url.Values{"password": {"another long password"}, "again": {"another long password"}}).Code; got != 410 {
		t.Errorf("the link from before = %d, want 410", got)
	}
}

func TestASetupLinkHoldsForADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		path, err := web.SetupPath(t.Context(), w.db)
		must(t, err)
		time.Sleep(24*time.Hour - time.Second)
		if got := w.get(path.Reveal()).Code; got != 200 {
			t.Errorf("just before its end: %d", got)
		}
		time.Sleep(time.Second)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := w.do(method, path.Reveal(), url.Values{"password": {password}, "again": {password}}).Code; got != 410 {
				t.Errorf("%s after its end: %d", method, got)
			}
		}
	})
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, end := range map[string]struct {
		happen func(w *world)
		ended  bool
	}{
		"never while it is used": {func(w *world) {
			for range 5 {
				time.Sleep(29 * day)
				w.get("/")
			}
		}, false},
		"after 30 idle days": {func(*world) { time.Sleep(30*day + time.Second) }, true},
		"by logging out": {func(w *world) {
			if got := w.send("/", "/logout").Code; got != http.StatusSeeOther {
				w.t.Errorf("log out = %d", got)
			}
		}, true},
		"with the password": {func(w *world) { w.setPassword() }, true},
		"not with another's logout": {func(w *world) {
			mine := w.cookies
			w.cookies = map[string]*http.Cookie{}
			w.try(password)
			w.send("/", "/logout")
			w.cookies = mine
		}, false},
		"with the clean-up only when it is over": {func(w *world) { must(w.t, w.db.Prune(w.t.Context(), day)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.logIn()
				kept := w.cookies["dealbell"]
				end.happen(w)
				w.cookies = map[string]*http.Cookie{"dealbell": kept} // whatever the browser was told
				answer := w.get("/")
				if ended := answer.Code == http.StatusSeeOther; ended != end.ended {
					t.Errorf("/ = %d afterwards", answer.Code)
				}
			})
		})
	}
}

func TestTheCookieIsTheBrowsersAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		proto, peer, name string
		secure            bool
	}{
		{"", "127.0.0.1:1", "dealbell", false},
		{"https", "127.0.0.1:1", "__Host-dealbell", true},
		{"https", "192.0.2.1:1", "dealbell", false},
	} {
		w := newWorld(t)
		w.header.Set("X-Forwarded-Proto", c.proto)
		w.peer = c.peer
		w.logIn()
		got := w.cookies[c.name]
		if got == nil || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Secure != c.secure || got.Path != "/" || got.Domain != "" || len(got.Value) < 43 {
			t.Errorf("%+v: cookie %+v", c, got)
		}
		w.page("/")
	}
}

func TestTheLoginLeadsWhereOneWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setPassword()
	if to := w.get("/?done=x").Header().Get("Location"); to != "/login?next=%2F%3Fdone%3Dx" {
		t.Errorf("leads to %q", to)
	}
	for next, want := range map[string]string{"/leads?state=held": "/leads?state=held", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/"} {
		answer := w.do(http.MethodPost, "/login", url.Values{"password": {password}, "next": {next}})
		if got := answer.Header().Get("Location"); got != want {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
	}
}

func TestGuessingBecomesSlowAndNeverLocksTheOwnerOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.setPassword()
		owner := w.peer
		if got := w.try(password).Code; got != 303 {
			t.Fatalf("the owner's first login = %d", got)
		}
		w.peer = "192.0.2.66:1"
		right, begun := 0, time.Now()
		for time.Since(begun) < time.Hour {
			answer := w.try("wrong password")
			if answer.Code == http.StatusUnauthorized {
				right++
				continue
			}
			if answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") == "" {
				t.Fatalf("a guess = %d %v", answer.Code, answer.Header())
			}
			wait, err := time.ParseDuration(answer.Header().Get("Retry-After") + "s")
			must(t, err)
			time.Sleep(wait)
		}
		if right > 16 {
			t.Errorf("%d guesses in an hour from one address", right)
		}
		w.try("wrong password")
		if got := w.try(password).Code; got != http.StatusTooManyRequests {
			t.Errorf("the address that guesses tries the right one: %d", got)
		}
		spread := 0
		for i := range 300 {
			w.peer = fmt.Sprintf("198.51.%d.%d:1", 100+i/200, i%200)
			if w.try("wrong password").Code == http.StatusUnauthorized {
				spread++
			}
		}
		if spread > 31 {
			t.Errorf("%d guesses at once from many addresses", spread)
		}
		w.peer = owner
		if got := w.try(password).Code; got != 303 {
			t.Errorf("the owner's login meanwhile = %d, want 303", got)
		}
		w.peer = "203.0.113.9:1" // the owner is elsewhere today
		path, err := web.SetupPath(t.Context(), w.db)
		must(t, err)
		if got := w.get(path.Reveal()).Code; got != 200 {
			t.Errorf("a setup link meanwhile = %d, want 200", got)
		}
		time.Sleep(11 * time.Second)
		if got := w.try(password).Code; got != 303 {
			t.Errorf("a login from a new address soon after = %d, want 303", got)
		}
	})
}

func TestAPasswordIsKeptAsASlowHash(t *testing.T) {
	t.Parallel()
	hash, err := passwordHash()
	must(t, err)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, password) {
		t.Errorf("hash %s", hash)
	}
	again, err := web.HashPassword(secret.New(password))
	must(t, err)
	if hash == again {
		t.Error("two hashes of one password are the same")
	}
	w := newWorld(t)
	composed, err := web.HashPassword(secret.New("Zoë and the bicycle"))
	must(t, err)
	must(t, w.db.SetPassword(t.Context(), composed))
	if got := w.try("Zoe\u0308 and the bicycle").Code; got != 303 {
		t.Errorf("the same characters from another keyboard = %d, want 303", got)
	}
}

func TestScriptsReadTheStatusWithTheirToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for header, want := range map[string]int{"": 401, "Bearer wrong": 401, "Bearer ": 401, "Bearer api-token": 200} {
		w.header.Set("Authorization", header)
		if got := w.get("/api/v1/status").Code; got != want {
			t.Errorf("%q: %d, want %d", header, got, want)
		}
	}
	w.header.Del("Authorization")
	w.logIn()
	if got := w.page("/api/v1/status"); got != "the status" {
		t.Errorf("with a session: %q", got)
	}
}
