package crm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
)

func email(t testing.TB, s string) crm.Email {
	t.Helper()
	e, err := crm.ParseEmail(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnAddressIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, address, text, want string }{
		{"plain", "ana@example.com", "ana@example.com", "_"},
		{"in capitals", "ana@example.com", `{"email":"ANA@Example.Com"}`, `{"email":"_"}`},
		{"twice", "ana@example.com", "ana@example.com, Ana@example.com", "_, _"},
		{"URL-encoded", "ana@example.com", "email=ana%40example.com&name=Ana", "email=_&name=Ana"},
		{"URL-encoded after a space", "ana@example.com", "m=call+ana%40example.com+now", "m=call+_+now"},
		{"URL-encoded to the last letter", "ana@example.com", "%61%6E%61%40example%2ecom%26", "_%26"},
		{"after an encoded comma", "ana@example.com", "x%2Cana%40example.com", "x%2C_"},
		{"escaped in JSON", "ana@example.com", `"ana\u0040example.com"`, `"_"`},
		{"after an escaped newline", "ana@example.com", `"hi\nana@example.com\nbye"`, `"hi\n_\nbye"`},
		{"before an escaped quote", "ana@example.com", `\"ana@example.com\"`, `\"_\"`},
		{"in angle brackets", "ana@example.com", "Ana <ana@example.com>", "Ana <_>"},
		{"at the end of a sentence", "ana@example.com", "Write to ana@example.com.", "Write to _."},
		{"after a dash", "ana@example.com", "-ana@example.com", "-_"},
		{"in quotes", "ana@example.com", "'ana@example.com'", "'_'"},
		{"in a link", "ana@example.com", "mailto:ana@example.com?subject=x", "mailto:_?subject=x"},
		{"before an underscore", "ana@example.com", "ana@example.com_2026", "__2026"},
		{"with an invisible character", "ana@example.com", "a\u200bna@exam\u00adple.com!", "_!"},
		{"with a tag", "ana+news@example.com", "to ana+news@example.com", "to _"},
		{"with a tag, URL-encoded", "ana+news@example.com", "e=ana%2Bnews%40example.com", "e=_"},
		{"with an apostrophe", "o'brien@example.com", "to o'brien@example.com", "to _"},
		{"with rare characters", "a=b@example.com", "e=a=b@example.com&", "e=a=b@example.com&"}, // who could tell
		{"with rare characters, URL-encoded", "a=b@example.com", "e=a%3Db%40example.com&", "e=_&"},
		{"with rare characters, by itself", "a=b@example.com", "to a=b@example.com", "to _"},
		{"of an international domain", "ana@bücher.example", "ana@BÜCHER.example ana@xn--bcher-kva.example", "_ _"},
		{"of an international domain, URL-encoded", "ana@bücher.example", "ana%40b%C3%BCcher.example", "_"},
		{"of an international domain, escaped", "ana@bücher.example", `ana@b\u00fccher.example`, "_"},
		{"with an umlaut, composed or not", "müller@example.com", "mu\u0308ller@example.com m%C3%BCller%40example.com m\\u00fcller@example.com", "_ _ _"},

		{"another person's, longer to the left", "ana@example.com", "joana@example.com", "joana@example.com"},
		{"another person's with a dot", "ana@example.com", "jo.ana@example.com", "jo.ana@example.com"},
		{"another domain, longer to the right", "ana@example.co", "ana@example.com ana@example.co.uk", "ana@example.com ana@example.co.uk"},
		{"another person's with a tag", "ana@example.com", "ana+news@example.com", "ana+news@example.com"},
		{"no domain", "ana@example.com", "ana@example", "ana@example"},
		{"signs alone", "ana@example.com", "@ %40 \\u0040 @@ %4", "@ %40 \\u0040 @@ %4"},
		{"bytes that are no text", "ana@example.com", "\xff\xfe@\xffana@example.com\xff", "\xff\xfe@\xff_\xff"},
		{"nothing", "ana@example.com", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := string(email(t, tc.address).Redact([]byte(tc.text), "_")); got != tc.want {
				t.Errorf("Redact(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

func TestAMentionTellsWhatWasTyped(t *testing.T) {
	t.Parallel()
	got := email(t, "ana@example.com").Mentions([]byte("e=Ana%40Example.com&f=x"))
	if diff := cmp.Diff([]crm.Mention{{Start: 2, End: 19, Typed: "Ana@Example.com"}}, got); diff != "" {
		t.Errorf("mentions (-want +got):\n%s", diff)
	}
}

// FuzzMentions takes an address out of any text: nothing of it stays, and the
// rest stays as it is.
func FuzzMentions(f *testing.F) {
	for _, seed := range []string{"", "%", `\u`, "%C3", `\\`, "a@example.com", "ana%40", "+", "%2B", "ana@example.com.", "@ana@example.com@"} {
		f.Add(seed, seed)
	}
	e := email(f, "ana@example.com")
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + " ana@example.com " + after
		got := string(e.Redact([]byte(text), "(removed)"))
		if left := e.Mentions([]byte(got)); len(left) > 0 {
			t.Errorf("%q still names the address: %+v", got, left)
		}
		if !strings.Contains(got, "(removed)") {
			t.Errorf("%q was not touched", got)
		}
		if len(e.Mentions([]byte(before+after))) == 0 && strings.Count(text, "@") == 1 && got != before+" (removed) "+after {
			t.Errorf("the rest was touched: %q became %q", text, got)
		}
	})
}
