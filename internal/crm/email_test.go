package crm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestParseEmailGivesOneKeyToOnePerson(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, key string }{
		{"plain", "ana@example.com", "ana@example.com"},
		{"upper case", "ANA@Example.COM", "ana@example.com"},
		{"surrounding space", "  ana@example.com\r\n", "ana@example.com"},
		{"no-break space", "\u00a0ana@example.com", "ana@example.com"},
		{"zero-width space inside", "ana\u200b@example.com", "ana@example.com"},
		{"byte order mark", "\ufeffana@example.com", "ana@example.com"},
		{"trailing dot of the domain", "ana@example.com.", "ana@example.com"},
		{"international domain", "ana@BÜCHER.example", "ana@xn--bcher-kva.example"},
		{"the same domain in ASCII", "ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"},
		{"decomposed umlaut", "mu\u0308ller@example.com", "m\u00fcller@example.com"},
		{"plus tag is kept", "ana+news@example.com", "ana+news@example.com"},
		{"dots are kept", "a.n.a@gmail.com", "a.n.a@gmail.com"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := crm.ParseEmail(tc.in)
			if err != nil {
				t.Fatalf("ParseEmail(%q): %v", tc.in, err)
			}
			if got.Key != tc.key {
				t.Errorf("key = %q, want %q", got.Key, tc.key)
			}
		})
	}
}

func TestParseEmailKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	got, err := crm.ParseEmail(" Ana.Silva@Example.com ")
	if err != nil || got.Typed != "Ana.Silva@Example.com" {
		t.Errorf("got %+v, %v; want the typed form without the spaces", got, err)
	}
}

func TestParseEmailRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", " ", "ana", "ana@", "@example.com", "ana@localhost", "ana example.com", "ana@@example.com",
		"Ana <ana@example.com>", "ana@exa mple.com", "ana@example..com", "a,b@example.com", "ana@-example.com",
		`"ana silva"@example.com`, "ana@example.com, bob@example.com", "ana@[127.0.0.1]", "ana\n@example.com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat(strings.Repeat("b", 48)+".", 4) + "com",
	} {
		if got, err := crm.ParseEmail(in); err == nil {
			t.Errorf("ParseEmail(%q) = %+v, want an error", in, got)
		} else if in != "" && strings.TrimSpace(in) != "" && strings.Contains(err.Error(), in) {
			t.Errorf("the error repeats the address: %v", err)
		}
	}
}

// Punycode takes minutes for a domain like this.
func TestParseEmailLosesNoTimeOnWhatIsTooLong(t *testing.T) {
	t.Parallel()
	domain := make([]rune, 20_000)
	for i := range domain {
		domain[i] = rune('一' + i)
	}
	start := time.Now()
	if _, err := crm.ParseEmail("a@" + string(domain) + ".example"); err == nil {
		t.Error("a domain of 20,000 letters was accepted")
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v, want well below a second", took)
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"ana@example.com", " A@B.CO ", "ana@BÜCHER.example", "mu\u0308ller@x.io", "a@b", "\xff@x.io", "ǅ@x.io", "İ@x.io"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, err := crm.ParseEmail(s)
		if err != nil {
			return
		}
		again, err := crm.ParseEmail(first.Key)
		if err != nil || again.Key != first.Key {
			t.Fatalf("key of %q is %q, and its own key is %q (%v): not stable", s, first.Key, again.Key, err)
		}
		typed, err := crm.ParseEmail(first.Typed)
		if err != nil || typed.Key != first.Key {
			t.Fatalf("the typed form %q has key %q (%v), want %q", first.Typed, typed.Key, err, first.Key)
		}
	})
}

// Strangers choose how long it is, and converting an international domain
// takes time that grows with the square of its length.
func TestAnEndlessDomainTakesNoTime(t *testing.T) {
	t.Parallel()
	var domain strings.Builder
	for i := range 20_000 {
		domain.WriteRune(rune(0x4e00 + i))
	}
	began := time.Now()
	_, err := crm.ParseEmail("ana@" + domain.String() + ".com")
	if took := time.Since(began); err == nil || took > time.Second {
		t.Errorf("%v after %v, want it refused at once", err, took)
	}
}
