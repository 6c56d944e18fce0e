package antispam_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/altcha-org/altcha-lib-go"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/secret"
)

const site = "https://example.com"

// noon is when the tests take place.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func guard(t testing.TB) *antispam.Guard {
	t.Helper()
	g, err := antispam.New(antispam.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// contact is a form whose work is quickly done.
func contact() antispam.Policy {
	p := antispam.Standard("contact", site, "https://www.example.com")
	p.Work = 300
	return p
}

func issue(t testing.TB, g *antispam.Guard, p antispam.Policy, origin string, at time.Time) antispam.Ticket {
	t.Helper()
	ticket, err := g.Issue(p, origin, at)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// solve does the work of a ticket.
func solve(t testing.TB, ticket antispam.Ticket) altcha.Payload {
	t.Helper()
	if ticket.Work == nil {
		return altcha.Payload{}
	}
	w := *ticket.Work
	found, err := altcha.SolveChallenge(w.Challenge, w.Salt, altcha.SHA256, int(w.MaxNumber), 0, nil)
	if err != nil || found == nil {
		t.Fatalf("no solution: %v", err)
	}
	return altcha.Payload{Algorithm: w.Algorithm, Challenge: w.Challenge, Number: int64(found.Number), Salt: w.Salt, Signature: w.Signature}
}

func proof(t testing.TB, solution any) string {
	t.Helper()
	raw, err := json.Marshal(solution)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// honest is what the script sends for somebody who opened the form at noon
// and took the given time to fill it in.
func honest(t testing.TB, g *antispam.Guard, p antispam.Policy, at time.Time, took time.Duration) antispam.Evidence {
	t.Helper()
	ticket := issue(t, g, p, site, at)
	return antispam.Evidence{Origin: site, Token: ticket.Token, Work: proof(t, solve(t, ticket)), Now: at.Add(took)}
}

func key(n int) secret.String { return secret.New(string(make([]byte, n))) }
