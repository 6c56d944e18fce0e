package antispam_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
)

// desk does what the daemon does around the package.
type desk struct {
	*antispam.Guard
	policy  antispam.Policy
	limiter *antispam.Limiter
	used    map[string]bool // nonces
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{guard(t), contact(), antispam.NewLimiter(antispam.PerClient, antispam.PerForm), map[string]bool{}}
}

// submit says what became of a submission: "" when it passed.
func (d *desk) submit(e antispam.Evidence, client int) string {
	tooMany, wait := d.limiter.Take(address(client), e.Now)
	if wait > 0 {
		return "refused"
	}
	e.TooMany = tooMany
	v := d.Judge(d.policy, e)
	if v.Nonce != "" && d.used[v.Nonce] {
		v.Reasons = append(v.Reasons, antispam.TokenReused)
	}
	d.used[v.Nonce] = true
	return words(v)
}

// abuse lists what an abuser does; each gets an honest submission to spoil.
func abuse(t *testing.T, d *desk) map[antispam.Reason][]func(*antispam.Evidence) {
	t.Helper()
	p := d.policy
	strangers := []string{"https://evil.example", "null", "http://example.com", site + ".evil.example", "https://example.com:444", "HTTPS://EXAMPLE.COM", "*", site + "/"}
	careers := p
	careers.Form = "careers"
	spent := honest(t, d.Guard, p, noon.Add(-time.Minute), time.Minute)
	d.used[d.Judge(p, spent).Nonce] = true
	type ev = antispam.Evidence
	renew := func(e *ev, p antispam.Policy, g *antispam.Guard, origin string, age time.Duration) {
		ticket := issue(t, g, p, origin, e.Now.Add(-age))
		e.Token, e.Work = ticket.Token, proof(t, solve(t, ticket))
	}
	return map[antispam.Reason][]func(*ev){
		antispam.Origin: {
			func(e *ev) { e.Origin = strangers[rand.IntN(len(strangers))] },
			func(e *ev) { e.Origin, e.Referer = "", "https://evil.example/"+site },
			func(e *ev) { renew(e, p, d.Guard, "https://evil.example", time.Minute) },
		},
		antispam.TokenMissing: {func(e *ev) { e.Token = "" }, func(e *ev) { e.Token, e.Work = "", "" }},
		antispam.TokenInvalid: {
			func(e *ev) { e.Token = strings.ToUpper(e.Token) },
			func(e *ev) { i := rand.IntN(len(e.Token)); e.Token = e.Token[:i] + "~" + e.Token[i+1:] },
			func(e *ev) { renew(e, careers, d.Guard, site, time.Minute) },
			func(e *ev) { renew(e, p, guard(t), site, time.Minute) },
		},
		antispam.TokenExpired: {func(e *ev) { renew(e, p, d.Guard, site, p.MaxAge+time.Duration(1+rand.Int64N(1e15))) }},
		antispam.TokenReused:  {func(e *ev) { e.Token, e.Work = spent.Token, spent.Work }},
		antispam.TooFast:      {func(e *ev) { renew(e, p, d.Guard, site, time.Duration(rand.Int64N(int64(p.MinFill)-1e6))) }},
		antispam.Honeypot:     {func(e *ev) { e.Honeypot = "https://buy.example" }, func(e *ev) { e.Honeypot = "\n" }},
		antispam.NoWork: {
			func(e *ev) { e.Work = "" },
			func(e *ev) { e.Work = spent.Work },
			func(e *ev) { s := solve(t, issue(t, d.Guard, p, site, e.Now)); e.Work = proof(t, s) },
		},
	}
}

func TestOfTenThousandAbusiveSubmissionsNonePasses(t *testing.T) {
	t.Parallel()
	times := 10_000
	if testing.Short() {
		times = 1000
	}
	d := newDesk(t)
	kinds := abuse(t, d)
	at, tally, passed := noon, map[string]int{}, 0
	for n := 0; n < times; {
		for reason, ways := range kinds {
			if n++; n > times {
				break
			}
			at = at.Add(1001 * time.Millisecond) // as fast as the form takes them
			e := honest(t, d.Guard, d.policy, at.Add(-time.Minute), time.Minute)
			if reason == antispam.TokenReused && at.Sub(noon) > 9*time.Minute {
				kinds[reason] = abuse(t, d)[reason] // the one they had is too old by now
			}
			ways[rand.IntN(len(ways))](&e)
			said := d.submit(e, n)
			if said == "" {
				passed++
			}
			if !strings.Contains(" "+said+" ", " "+string(reason)+" ") {
				t.Fatalf("submission %d, abusive by %s, is held for %q", n, reason, said)
			}
			tally[string(reason)]++
		}
	}
	t.Logf("figure: S6 %d of %d abusive submissions passed (%v)", passed, times, tally)
	if passed > 0 {
		t.Errorf("%d of %d abusive submissions passed", passed, times)
	}
}

// A flood is perfect in everything but its number.
func TestOfAFloodOnlyAHandfulPasses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	tally := map[string]int{}
	for n := range 1000 {
		tally[d.submit(honest(t, d.Guard, d.policy, noon, time.Minute), n%2)]++
	}
	if want := map[string]int{"": 10, "too-many": 50, "refused": 940}; fmt.Sprint(tally) != fmt.Sprint(want) {
		t.Errorf("within one minute from two addresses: %v, want %v", tally, want)
	}
}

func TestOfAThousandHonestSubmissionsAllPass(t *testing.T) {
	t.Parallel()
	const times = 1000
	d := newDesk(t)
	at, tally := noon, map[string]int{}
	for n := range times {
		at = at.Add(1001 * time.Millisecond)
		// The script renews a ticket whose work gets old, so it is never older.
		took := d.policy.MinFill + time.Duration(rand.Int64N(int64(9*time.Minute)))
		e := honest(t, d.Guard, d.policy, at.Add(-took), took)
		if n%10 == 0 { // some proxies strip one, some the other
			e.Origin, e.Referer = "", site+"/contact"
		}
		tally[d.submit(e, n%300)]++ // people of one office
	}
	t.Logf("figure: S6 of %d honest submissions %d passed, %d were refused, the rest held", times, tally[""], tally["refused"])
	if tally[""] != times {
		t.Errorf("honest submissions: %v, want all %d to pass", tally, times)
	}
}
