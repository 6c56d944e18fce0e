package signature_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

// mutant is a valid request that somebody tampered with.
type mutant struct {
	*rand.Rand
	of vector
	signature.Request
	keys  []signature.Key
	now   time.Time
	also  vector // what the same sender sent at another time
	other signature.Request
}

// one picks among names or values.
func one[T any](m *mutant, of ...T) T { return of[m.IntN(len(of))] }

// header picks one that takes part.
func (m *mutant) header() string {
	p := placeOf(m.of.Scheme, m.Request)
	names := slices.DeleteFunc([]string{p.signature, p.signature, p.timestamp, p.id}, func(n string) bool { return n == "" || n == "t=" })
	return one(m, names...)
}

func (m *mutant) edit(name string, change func(string) string) {
	if len(m.Header[name]) > 0 {
		m.Header[name] = []string{change(m.Header[name][0])}
	}
}

// stamp edits the timestamp, wherever it is.
func (m *mutant) stamp(change func(string) string) {
	p := placeOf(m.of.Scheme, m.Request)
	if p.timestamp != "t=" {
		m.edit(p.timestamp, change)
		return
	}
	m.edit(p.signature, func(s string) string {
		return stamps.ReplaceAllStringFunc(s, func(t string) string {
			head, tail, _ := strings.Cut(t, "t=")
			return head + "t=" + change(tail)
		})
	})
}

func (m *mutant) flip(b []byte) []byte {
	if len(b) > 0 {
		b[m.IntN(len(b))] ^= 1 << m.IntN(8)
	}
	return b
}

// between splits text at a random place.
func (m *mutant) between(text string) (head, tail string) {
	at := m.IntN(len(text) + 1)
	return text[:at], text[at:]
}

var macs = regexp.MustCompile(`[0-9a-fA-F]{64}|[0-9a-zA-Z+/]{43}=`)

// forge signs as somebody would who does not know the secret.
func (m *mutant) forge() {
	if m.of.Scheme == "static" {
		m.Header = http.Header{"X-Webhook-Token": {one(m, "", "token", "no-secret-provided", m.of.Scheme)}}
		return
	}
	c, _ := contentOf(m.of.Scheme, m.Request)
	guess := one(m, "", " ", m.of.Scheme, "no-secret-provided", "whsec_", "secret", m.of.Scheme+" ", string(m.Body), hex.EncodeToString([]byte(m.of.Secrets[0])))
	forged := macOf(m.of.Scheme, guess, c)
	m.edit(placeOf(m.of.Scheme, m.Request).signature, func(s string) string { return macs.ReplaceAllString(s, forged) })
}

var mutations = []func(*mutant){
	func(m *mutant) { m.Body = m.flip(m.Body) },
	func(m *mutant) { m.Body = m.flip(m.Body) },
	func(m *mutant) { m.Body = slices.Insert(m.Body, m.IntN(len(m.Body)+1), byte(m.IntN(256))) },
	func(m *mutant) { m.Body = m.Body[:m.IntN(len(m.Body)+1)] },
	func(m *mutant) { m.Body = m.Body[m.IntN(len(m.Body)+1):] },
	func(m *mutant) { m.Body = append(m.Body, one(m, " ", "\n", "\x00", "}", "&a=b", `,{"a":1}`)...) },
	func(m *mutant) { m.Body = bytes.Clone(m.other.Body) },
	func(m *mutant) { m.Body = []byte(rewritten(m.Body)) },
	func(m *mutant) { m.Body = bytes.ToUpper(m.Body) },
	// headers
	func(m *mutant) { m.edit(m.header(), func(s string) string { return string(m.flip([]byte(s))) }) },
	func(m *mutant) { m.edit(m.header(), func(s string) string { return string(m.flip([]byte(s))) }) },
	func(m *mutant) { m.edit(m.header(), func(s string) string { head, _ := m.between(s); return head }) },
	func(m *mutant) { m.edit(m.header(), func(s string) string { _, tail := m.between(s); return tail }) },
	func(m *mutant) {
		m.edit(m.header(), func(s string) string { return s + one(m, " ", "0", "=", ",", " v1,", s) })
	},
	func(m *mutant) { m.edit(m.header(), one(m, strings.ToUpper, strings.ToLower, strings.TrimSpace)) },
	func(m *mutant) { name := m.header(); m.Header[name] = append(m.Header[name], m.Header[name]...) },
	func(m *mutant) {
		name := m.header()
		m.Header[name] = append(m.other.Header[name], m.Header[name]...)
	},
	func(m *mutant) { m.Header.Del(m.header()) },
	func(m *mutant) { name := m.header(); m.Header[name] = slices.Clone(m.other.Header[name]) },
	func(m *mutant) { m.Header = m.other.Header.Clone() },
	func(m *mutant) {
		name := m.header()
		m.Header[one(m, "X-"+name, strings.ReplaceAll(name, "-", "_"), name+"-2")] = m.Header[name]
		delete(m.Header, name)
	},
	func(m *mutant) {
		m.edit(m.header(), func(s string) string {
			between := one(m, ",", " ", ", ")
			parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(between, r) })
			m.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			return strings.Join(parts, one(m, between, between, ";"))
		})
	},
	(*mutant).forge,
	(*mutant).forge,
	// time
	func(m *mutant) { m.now = m.now.Add(time.Duration(m.Int64N(int64(20 * time.Minute)))) },
	func(m *mutant) { m.now = m.now.Add(-time.Duration(m.Int64N(int64(20 * time.Minute)))) },
	func(m *mutant) { m.now = m.now.AddDate(m.IntN(200)-100, 0, 0) },
	func(m *mutant) {
		m.stamp(func(s string) string {
			n, _ := strconv.ParseInt(s, 10, 64)
			return strconv.FormatInt(n+m.Int64N(2000)-1000, 10)
		})
	},
	func(m *mutant) { m.stamp(func(s string) string { return s + "000" }) },
	func(m *mutant) { m.stamp(func(s string) string { return strings.TrimSuffix(s, "000") }) },
	func(m *mutant) { m.stamp(func(s string) string { return one(m, "0", "+", "-", " ", "0x", "1e0") + s }) },
	func(m *mutant) {
		m.stamp(func(s string) string { return s + one(m, ".", ".0", " ", "_", "e0", "\x00") })
	},
	func(m *mutant) { m.stamp(func(string) string { return strconv.FormatInt(m.now.Unix(), 10) }) },
	func(m *mutant) { m.stamp(func(string) string { return strconv.FormatInt(m.now.UnixMilli(), 10) }) },
	// bytes that move from one signed part to another
	func(m *mutant) {
		p := placeOf(m.of.Scheme, m.Request)
		head, tail := m.between(m.Header.Get(p.timestamp))
		m.Body = append([]byte(tail+one(m, ".", ":", "")), m.Body...)
		if m.Header.Del(p.timestamp); head != "" {
			m.Header.Set(p.timestamp, head)
		}
	},
	func(m *mutant) {
		name := one(m, placeOf(m.of.Scheme, m.Request).timestamp, placeOf(m.of.Scheme, m.Request).id)
		head, tail := m.between(string(m.Body))
		m.edit(name, func(s string) string { m.Body = []byte(head); return tail + s })
	},
	func(m *mutant) {
		name := one(m, placeOf(m.of.Scheme, m.Request).timestamp, placeOf(m.of.Scheme, m.Request).id)
		m.edit(name, func(s string) string {
			head, tail := m.between(s)
			m.Body = append(m.Body, head...)
			return tail
		})
	},
	func(m *mutant) { m.URL = string(m.flip([]byte(m.URL))) },
	func(m *mutant) { m.Method = one(m, "GET", "PUT", "post", "", m.Method+"h") },
	func(m *mutant) {
		m.Query["token"] = one(m, nil, []string{""}, []string{"token"}, []string{m.of.Secrets[0], m.of.Secrets[0]}, []string{m.of.Secrets[0] + "0"})
	},
	// secrets
	func(m *mutant) { m.keys[m.of.Used].Until = m.now },
	func(m *mutant) { m.keys[m.of.Used] = signature.Key{} },
	func(m *mutant) { m.keys[m.of.Used].Secret = secret.New(one(m, "", "a secret that nobody guesses")) },
}

// rewritten is a JSON body as a program writes it that parsed it first.
func rewritten(body []byte) string {
	var parsed any
	if json.Unmarshal(body, &parsed) != nil {
		return string(body)
	}
	again, _ := json.Marshal(parsed)
	return string(again)
}

func mutate(rng *rand.Rand, tb testing.TB, v, other vector) *mutant {
	m := &mutant{Rand: rng, of: v, Request: v.request(tb), keys: v.keys(), now: v.Now, also: other, other: other.request(tb)}
	for range 1 + rng.IntN(3) {
		mutations[rng.IntN(len(mutations))](m)
	}
	return m
}

// genuine tells whether the mutant is, all in all, one of the two requests that
// it was made of, and one of its keys signed that.
func (m *mutant) genuine(tb testing.TB) bool {
	spelled := func(s string) string { return strings.TrimRight(strings.TrimPrefix(s, "whsec_"), "=") }
	return slices.ContainsFunc([]vector{m.of, m.also}, func(v vector) bool {
		return genuine(v, v.request(tb), m.Request, m.now) && slices.ContainsFunc(m.keys, func(k signature.Key) bool {
			return spelled(k.Secret.Reveal()) == spelled(v.Secrets[v.Used]) && (k.Until.IsZero() || m.now.Before(k.Until))
		})
	})
}

// seed is DEALBELL_TEST_SEED, to repeat a run, or new each time.
func seed(tb testing.TB) uint64 {
	s, err := strconv.ParseUint(os.Getenv("DEALBELL_TEST_SEED"), 10, 64)
	if err != nil {
		s = uint64(time.Now().UnixNano())
	}
	tb.Logf("DEALBELL_TEST_SEED=%d", s)
	return s
}

func TestNoMutationIsAccepted(t *testing.T) {
	t.Parallel()
	rounds := 10_000
	if os.Getenv("DEALBELL_TORTURE") == "full" {
		rounds = 100_000
	}
	s := seed(t)
	rng := rand.New(rand.NewPCG(s, 0))
	of := map[string][]vector{}
	for _, v := range valid(t) {
		of[v.Scheme] = append(of[v.Scheme], v)
	}
	names := slices.Sorted(maps.Keys(of))
	refused, forged, neutral := 0, 0, 0
	for i := 0; refused+forged < rounds; i++ {
		all := of[names[i%len(names)]]
		v := all[rng.IntN(len(all))]
		m := mutate(rng, t, v, all[rng.IntN(len(all))])
		_, err := v.scheme(t).Verify(m.Request, m.keys, m.now)
		switch {
		case err != nil && !known(err):
			t.Fatalf("round %d: %s, %s: Verify = %q, which is none of the package's errors", i, v.Scheme, v.Name, err)
		case m.genuine(t):
			neutral++
		case err != nil:
			refused++
		default:
			forged++
			t.Errorf("round %d: %s, %s: accepted %q with headers %q, query %q at %s", i, v.Scheme, v.Name, m.Body, m.Header, m.Query, m.now)
		}
	}
	t.Logf("figure: S1 %d of %d mutations accepted, beside %d that changed nothing that counts; seed %d", forged, rounds, neutral, s)
}

// known tells whether an error is exactly one of the package's, with nothing
// added that could tell more.
func known(err error) bool {
	for _, one := range named {
		if err == one { //nolint:errorlint // a wrapped one would be another text
			return true
		}
	}
	return false
}

// The reference that mutations are judged by accepts what is valid, or it
// would excuse nothing, and the verifier's every acceptance.
func TestTheReferenceKnowsWhatIsGenuine(t *testing.T) {
	t.Parallel()
	for _, v := range valid(t) {
		r := v.request(t)
		if !genuine(v, r, r, v.Now) {
			t.Errorf("%s, %s is not genuine", v.Scheme, v.Name)
		}
		changed := v.request(t)
		changed.Body = append(changed.Body, 'x')
		if genuine(v, r, changed, v.Now) != (v.Scheme == "static") {
			t.Errorf("%s, %s with another body is genuine", v.Scheme, v.Name)
		}
	}
}
