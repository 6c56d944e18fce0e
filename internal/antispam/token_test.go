package antispam_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/altcha-org/altcha-lib-go"

	"github.com/dealbell/dealbell/internal/antispam"
)

func TestTheTicketSaysWhenItIsGood(t *testing.T) {
	t.Parallel()
	g, p := guard(t), contact()
	raw, err := json.Marshal(issue(t, g, p, site, noon))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Token         string
		Wait, Expires int64
		Work          struct {
			Algorithm, Challenge, Salt, Signature string
			MaxNumber                             int64
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Wait != 3000 || got.Expires != 600_000 {
		t.Errorf("good from %d ms to %d ms, want 3000 to 600000", got.Wait, got.Expires)
	}
	if got.Work.Algorithm != "SHA-256" || got.Work.MaxNumber != 300 || len(got.Work.Challenge) != 64 || got.Work.Signature == "" {
		t.Errorf("the work is %+v", got.Work)
	}
	// The script hashes one block, which has room for 55 bytes.
	if room := 55 - len("10000000"); len(got.Work.Salt) > room {
		t.Errorf("the salt %q has %d bytes, the script can do %d", got.Work.Salt, len(got.Work.Salt), room)
	}
	p.Work = 0
	if ticket := issue(t, g, p, site, noon); ticket.Work != nil || ticket.Expires != p.MaxAge.Milliseconds() {
		t.Errorf("without work: %+v", ticket)
	}
}

func TestEveryByteOfATokenCounts(t *testing.T) {
	t.Parallel()
	g, p := guard(t), contact()
	p.Work = 0
	token := issue(t, g, p, site, noon).Token
	for i := range token {
		for _, change := range []string{token[:i], token[:i] + token[i+1:], token[:i] + string(token[i]^1) + token[i+1:], token[:i] + "." + token[i:]} {
			v := g.Judge(p, antispam.Evidence{Origin: site, Token: change, Now: noon.Add(time.Minute)})
			if len(v.Reasons) == 0 || v.Nonce != "" {
				t.Fatalf("%q was believed, issued was %q", change, token)
			}
		}
	}
}

func FuzzToken(f *testing.F) {
	g, p := guard(f), contact()
	p.Work = 0
	token := issue(f, g, p, site, noon).Token
	f.Add(token)
	f.Add(token + ".")
	f.Add("v1.contact.1.n.o.")
	f.Add(".....")
	f.Add(strings.Repeat("a.", 400))
	f.Fuzz(func(t *testing.T, text string) {
		v := g.Judge(p, antispam.Evidence{Origin: site, Token: text, Now: noon.Add(time.Minute)})
		if believed := v.Nonce != ""; believed != (text == token) {
			t.Fatalf("%q: believed %v, issued was %q", text, believed, token)
		}
	})
}

func FuzzWork(f *testing.F) {
	g, p := guard(f), contact()
	ticket := issue(f, g, p, site, noon)
	done := solve(f, ticket)
	f.Add(proof(f, done))
	f.Add("e30=")
	f.Add("bnVsbA==")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		e := antispam.Evidence{Origin: site, Token: ticket.Token, Work: text, Now: noon.Add(time.Minute)}
		if len(g.Judge(p, e).Reasons) > 0 {
			return
		}
		var given altcha.Payload
		if raw, err := base64.StdEncoding.DecodeString(text); err != nil || json.Unmarshal(raw, &given) != nil || given.Number != done.Number {
			t.Fatalf("%q passes for work", text)
		}
	})
}

// CVE-2025-68113: digits of the solution are moved into the challenge's
// parameters, or back, so that the same text is hashed but means another time.
func TestASplicedChallengeFails(t *testing.T) {
	t.Parallel()
	g, p := guard(t), contact()
	p.Work = 5000
	ticket := issue(t, g, p, site, noon)
	solution := solve(t, ticket)
	for solution.Number < 10 { // needs digits to move
		ticket = issue(t, g, p, site, noon)
		solution = solve(t, ticket)
	}
	digits, same := strconv.FormatInt(solution.Number, 10), 0
	for i := range len(digits) {
		for _, salt := range []string{
			solution.Salt + digits[:i], strings.TrimSuffix(solution.Salt, "&") + digits[:i],
			solution.Salt + digits[:i] + "&", strings.TrimSuffix(solution.Salt, "&") + digits[:i] + "&",
			solution.Salt + "expires=99999999999" + digits[:i], strings.Replace(solution.Salt, "?expires=", "?expires=9", 1),
		} {
			spliced := solution
			spliced.Salt = salt
			spliced.Number, _ = strconv.ParseInt(digits[i:], 10, 64)
			if spliced.Salt == solution.Salt || spliced.Salt+"&" == solution.Salt {
				continue // as issued; the library adds the &
			}
			if sum := sha256.Sum256([]byte(salt + digits[i:])); hex.EncodeToString(sum[:]) == solution.Challenge {
				same++
			}
			e := antispam.Evidence{Origin: site, Token: ticket.Token, Work: proof(t, spliced), Now: noon.Add(time.Minute)}
			if got := words(g.Judge(p, e)); got != "no-work" {
				t.Errorf("salt %q with %s is held for %q, issued was %q with %s", salt, digits[i:], got, solution.Salt, digits)
			}
		}
	}
	if same == 0 {
		t.Error("no splice hashes to the challenge, so this test tries nothing")
	}
}

func TestWorkMustBeOnesOwn(t *testing.T) {
	t.Parallel()
	g, p := guard(t), contact()
	ticket := issue(t, g, p, site, noon)
	for _, c := range []struct {
		name   string
		at     time.Duration
		change func(*altcha.Payload)
		want   string
	}{
		{"as it should be", time.Minute, func(*altcha.Payload) {}, ""},
		{"at the last moment", 10 * time.Minute, func(*altcha.Payload) {}, ""},
		{"too late", 10*time.Minute + time.Second, func(*altcha.Payload) {}, "no-work"},
		{"the next number", time.Minute, func(s *altcha.Payload) { s.Number++ }, "no-work"},
		{"the work of another ticket", time.Minute, func(s *altcha.Payload) { *s = solve(t, issue(t, g, p, site, noon)) }, "no-work"},
		{"another ticket's work under this one's nonce", time.Minute, func(s *altcha.Payload) {
			own := s.Salt
			*s = solve(t, issue(t, g, p, site, noon))
			s.Salt = own
		}, "no-work"},
		{"a challenge of one's own", time.Minute, func(s *altcha.Payload) {
			c, err := altcha.CreateChallenge(altcha.ChallengeOptions{Salt: s.Salt, Number: &s.Number, HMACKey: ""})
			if err != nil {
				t.Error(err)
			}
			s.Challenge, s.Signature = c.Challenge, c.Signature
		}, "no-work"},
		{"a weaker hash", time.Minute, func(s *altcha.Payload) { s.Algorithm = "SHA-1" }, "no-work"},
		{"no hash", time.Minute, func(s *altcha.Payload) { s.Algorithm = "" }, "no-work"},
		{"no expiry", time.Minute, func(s *altcha.Payload) { s.Salt, _, _ = strings.Cut(s.Salt, "expires") }, "no-work"},
		{"nothing", time.Minute, func(s *altcha.Payload) { *s = altcha.Payload{} }, "no-work"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := solve(t, ticket)
			c.change(&s)
			e := antispam.Evidence{Origin: site, Token: ticket.Token, Work: proof(t, s), Now: noon.Add(c.at)}
			if got := words(g.Judge(p, e)); got != c.want {
				t.Errorf("held for %q, want %q", got, c.want)
			}
		})
	}
}

func TestVerifyingIsCheap(t *testing.T) {
	t.Parallel()
	g, p := guard(t), contact()
	e := honest(t, g, p, noon, time.Minute)
	bare := e
	bare.Work = ""
	each := func(e antispam.Evidence) time.Duration { // in the best of ten runs, since others use the machine too
		best := time.Hour
		for range 10 {
			start := time.Now()
			for range 200 {
				g.Judge(p, e)
			}
			best = min(best, time.Since(start)/200)
		}
		return best
	}
	token, work := each(bare), each(e)
	t.Logf("figure: S6 verify a token %v, a token and its work %v", token, work)
	if token > 50*time.Microsecond || work > 5*time.Millisecond {
		t.Errorf("a token takes %v, want at most 50µs; with its work %v, want at most 5ms", token, work)
	}
}

func BenchmarkToken(b *testing.B) {
	g, p := guard(b), contact()
	p.Work = 0
	e := honest(b, g, p, noon, time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if len(g.Judge(p, e).Reasons) > 0 {
			b.Fatal("an honest submission is held")
		}
	}
}

func BenchmarkWork(b *testing.B) {
	g, p := guard(b), contact()
	e := honest(b, g, p, noon, time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if len(g.Judge(p, e).Reasons) > 0 {
			b.Fatal("an honest submission is held")
		}
	}
}
