package rules_test

import (
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

// said renders a text about a row of deals.
func said(t *testing.T, text string, row rules.Row, fields map[string]any) string {
	t.Helper()
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	tmpl, err := rules.ParseTemplate("item", text, names...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, mistakes := tmpl.Bind(deals(), nil)
	for _, m := range mistakes {
		t.Fatalf("%s: %v", text, m)
	}
	got, err := b.Execute(row, context(t), fields)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return got
}

func TestHolesOfAText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{title}}`:                                                         "Acme",
		`{{prop "deal name"}} <!here> *x* `:                                 "Acme <!here> *x*", // what the operator writes stays
		`{{money (prop "Value")}}`:                                          "$12,000",
		`{{money (prop "Value") "€"}}`:                                      "€12,000",
		`{{prop "Value" | money}}`:                                          "$12,000",
		`{{number (prop "Value")}}/{{prop "Value"}}`:                        "12,000/12000",
		`{{prop "Owner"}}, {{by}}`:                                          "Ana Lima, Bob &lt;!here&gt;",
		`{{mention (prop "Owner")}}`:                                        "<@" + ana + ">",
		`{{mention (prop "Made by")}}`:                                      "<@" + bob + ">",
		`{{prop "Tags"}}|{{join (prop "Tags") " + "}}`:                      "VIP, Old|VIP + Old",
		`{{prop "Paid"}}`:                                                   "yes",
		`{{prop "Close Date"}} {{date (prop "Date")}}`:                      "2026-11-20 2026-11-20",
		`{{prop "Date"}}`:                                                   "2026-11-20 00:30", // by the clock of Berlin
		`{{date (prop "Close Date") "2 Jan"}}`:                              "20 Nov",
		`{{days (prop "Close Date")}} days`:                                 "31 days",
		`{{link}}`:                                                          "<https://www.notion.so/acme|Acme>",
		`{{link "open <it>"}}`:                                              "<https://www.notion.so/acme|open &lt;it&gt;>",
		`{{prop "Contact"}}{{default (prop "Notes") 1}}`:                    "call back",
		`{{default (prop "Contact") "no & one"}}`:                           "no &amp; one",
		`{{if prop "Paid"}}paid{{else}}open{{end}}`:                         "paid",
		`{{if prop "Contact"}}a{{else if eq (prop "Stage") "won"}}b{{end}}`: "b",
		`{{if and (prop "Paid") (not (prop "Contact"))}}yes{{end}}`:         "yes",
		`{{if or (prop "Contact") (prop "Contact")}}yes{{end}}`:             "",
		`{{/* nothing */}}a{{- " b "}}`:                                     "ab",
		`{{prop "Score"}}{{money (prop "Score")}}`:                          "7$7",
		`{{created}}, {{days created}} days`:                                "2026-11-02, 49 days", // in Berlin
		`{{date (default (prop "Contact") created) "2 Jan"}}`:               "2 Nov",
	} {
		if got := said(t, text, acme(), nil); got != want {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestHolesOverAnEmptyRow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{title}}`: "Untitled", `{{money (prop "Value")}}`: "$?", `{{number (prop "Value")}}`: "", `{{prop "Stage"}}`: "",
		`{{mention (prop "Owner")}} `: "", `{{date (prop "Date")}}`: "", `{{days (prop "Date")}}`: "?", `{{by}}`: "somebody",
		`{{default (date (prop "Date")) "never"}}`: "never", `{{link}}`: "Untitled", `{{join (prop "Tags") ","}}`: "", `{{created}}`: "",
	} {
		if got := said(t, text, rules.Row{}, nil); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestListsThatShowNoNames(t *testing.T) {
	t.Parallel()
	for text, v := range map[string]crm.Value{
		"1 page":            {Kind: crm.KindRelation, IDs: []string{"a"}},
		"2 pages":           {Kind: crm.KindRelation, IDs: []string{"a", "b"}},
		"more than 2 pages": {Kind: crm.KindRelation, IDs: []string{"a", "b"}, More: true},
		"somebody":          people("c"),
		"no":                ticked(false),
		"2026-01-01 → 2026-01-02 10:00": {
			Kind: crm.KindDate, Date: &crm.Date{Start: "2026-01-01", End: "2026-01-02T09:00:00Z"},
		},
		"someday": crm.Day("someday"),
	} {
		row := rules.Row{Values: map[string]crm.Value{"notes": v}}
		if got := said(t, `{{prop "Notes"}}`, row, nil); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
}

func TestFieldsOfADigest(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"Count": 12, "Shown": "top <10>"}
	if got, want := said(t, `☕ Morning. {{.Count}} stale leads ({{.Shown}}):`, rules.Row{}, fields), "☕ Morning. 12 stale leads (top &lt;10&gt;):"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := said(t, `{{if .Count}}some{{else}}none{{end}}`, rules.Row{}, map[string]any{"Count": 0}); got != "none" {
		t.Errorf("got %q", got)
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for amount, want := range map[string]string{
		"0": "$0", "5": "$5", "-5": "-$5", "999": "$999", "1000": "$1,000", "1234.5": "$1,234.50", "1234567.891": "$1,234,567.89",
		"-1234.005": "-$1,234.01", "-0.001": "$0", "12000.00": "$12,000", "1.2e4": "$12,000", "0.1": "$0.10", "": "$?", "abc": "$?",
		"9007199254740993": "$9,007,199,254,740,993", "1e999": "$?",
	} {
		row := rules.Row{Values: map[string]crm.Value{"value": number(amount)}}
		if got := said(t, `{{money (prop "Value")}}`, row, nil); got != want {
			t.Errorf("%s: got %q, want %q", amount, got, want)
		}
	}
	row := rules.Row{Values: map[string]crm.Value{"value": number("-1234567.50")}}
	if got := said(t, `{{number (prop "Value")}}`, row, nil); got != "-1,234,567.50" {
		t.Errorf("number: %q", got)
	}
}

func TestTitlesCannotHarm(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Acme":                               "Acme",
		"<!channel> & <@U1>":                 "&lt;!channel&gt; &amp; &lt;@U1&gt;",
		"&lt;!here&gt;":                      "&amp;lt;!here&amp;gt;",
		" Two\r\nlines\tand\x00 ":            "Two lines and",
		"a\u2028b\u202e\u200bc\ufeff\u2066d": "a bcd",
		"snake_case *x* ~y~ `z`":             "snake_case *x* ~y~ `z`",
		"👨\u200d👩\u200d👧 می\u200cخواهم": "👨\u200d👩\u200d👧 می\u200cخواهم",
		"a\u200db":                "ab",
		"\xff":                    "\ufffd",
		strings.Repeat("x", 3000): strings.Repeat("x", 1000) + "…",
	} {
		row := rules.Row{Values: map[string]crm.Value{"title": crm.Text(crm.KindTitle, title)}}
		if got := said(t, "{{title}}", row, nil); got != want {
			t.Errorf("%q: got %q, want %q", title, got, want)
		}
	}
}

func TestLinksCannotHarm(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                          "Untitled",
		"javascript:alert(1)":       "Untitled",
		"https://x/a|b>c<d?e=1&f=2": "<https://x/a%7Cb%3Ec%3Cd?e=1&amp;f=2|Untitled>",
		"https://x/\n":              "Untitled",
		"https://www.notion.so/" + strings.Repeat("a-long-title-", 90) + "11112222?v=3": "<https://www.notion.so/11112222?v=3|Untitled>",
	} {
		if got := said(t, "{{link}}", rules.Row{Page: "1111-2222", URL: url}, nil); got != want {
			t.Errorf("%q: got %q, want %q", url, got, want)
		}
	}
	row := rules.Row{Values: map[string]crm.Value{"owner": people("!channel", ana, "x>y", "")}}
	if got := said(t, `{{mention (prop "Owner")}}`, row, nil); got != "<@"+ana+">" {
		t.Errorf("mention: %q", got)
	}
}

func TestALongTextIsCutBetweenItsParts(t *testing.T) {
	t.Parallel()
	row := acme()
	row.Values["notes"] = crm.Text(crm.KindText, strings.Repeat("é&", 500))
	for _, padding := range []string{"", "a", "aa", "aaa", "aaaa"} {
		got := said(t, padding+strings.Repeat(`{{prop "Notes"}}{{link}}`, 20), row, nil)
		body := strings.TrimSuffix(got, "…")
		if body == got || len(got) > 12_010 || strings.Contains(got, "\ufffd") ||
			strings.Count(body, "<") != strings.Count(body, ">") || strings.Count(body, "&") != strings.Count(body, ";") {
			t.Errorf("%d bytes, ends %q", len(got), got[len(got)-30:])
		}
	}
}

func TestTextsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, problem, hint string }{
		{`{{prop "Name"`, "item: line 1: unclosed action", ""},
		{`{{`, "item: line 1: unclosed action", ""},
		{`x{{end}}`, "item: line 1: unexpected {{end}}", ""},
		{`é {{titel}}`, `item: 1:5: unknown function "titel"`, `did you mean "title"? (functions: and, by, created, date`},
		{"a\n  {{nope}}", `item: 2:5: unknown function "nope"`, "functions"},
		{`{{printf "%s" "x"}}`, `unknown function "printf"`, ""},
		{`{{call .x}}`, `unknown function "call"`, ""},
		{`{{html "x"}}`, `unknown function "html"`, ""},
		{`{{_escape "x"}}`, `unknown function "_escape"`, ""},
		{`{{new}}`, `unknown function "new"`, ""},
		{`{{range .x}}a{{end}}`, "{{range}} is not available", ""},
		{`{{with title}}a{{end}}`, "{{with}} is not available", ""},
		{`{{template "x"}}`, "{{template}} is not available", ""},
		{`{{define "x"}}{{end}}`, "templates inside templates", ""},
		{`{{block "x" .}}{{end}}`, "not available", ""},
		{`{{$x := title}}`, "variables are not available", ""},
		{`{{.Count}}`, "unknown field .Count", "(fields: none)"},
		{`{{.}}`, ". is not available", ""},
		{`{{(title).x}}`, "is not available", ""},
		{`{{prop}}`, "prop takes the name of a property in quotes", `{{prop "Deal Name"}}`},
		{`{{prop title}}`, "prop takes the name", ""},
		{`{{"x" | prop}}`, "prop takes the name", ""},
		{`{{money}}`, "money does not take 0 arguments", ""},
		{`{{default "x"}}`, "default does not take 1 arguments", ""},
		{`{{"€" | money (prop "Value")}}`, "money takes nothing more after |", "write {{money (…) …}}"},
		{`{{"x" "y"}}`, `"x" is no function`, ""},
		{`{{money nil}}`, "nil is not available", ""},
		{`{{if nope}}{{end}}`, `unknown function "nope"`, ""},
		{`{{if title}}{{nope}}{{end}}`, `unknown function "nope"`, ""},
		{`{{if title}}{{else}}{{nope}}{{end}}`, `unknown function "nope"`, ""},
		{strings.Repeat("x", 4001), "item: is longer than 4000", ""},
	} {
		_, err := rules.ParseTemplate("item", c.text)
		checkError(t, c.text, err, c.problem, c.hint)
	}
	_, err := rules.ParseTemplate("header", "{{.Cuont}}", "Count")
	checkError(t, ".Cuont", err, "header: 1:3: unknown field .Cuont", `did you mean "Count"?`)
}

func TestTextsThatDoNotFitTheDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, problem, hint, said string }{
		{`{{prop "Valeu"}}`, `property "Valeu" is not in database "Deals"`, `did you mean "Value"?`, "?"},
		{`{{money (prop "Amount")}} {{mention (prop "Amount")}}`, `property "Amount" is not`, "(properties: Deal Name", "$?"},
		{`{{if prop "Amount"}}a{{else}}b{{end}}`, `property "Amount" is not`, "", "b"},
		{`{{date (prop "Amount")}}{{number (prop "Amount")}}`, `property "Amount" is not`, "", "??"},
		{`{{money (prop "Stage")}}`, `money cannot show property "Stage", which is a status`, `{{prop "Stage"}}`, "$?"},
		{`{{prop "Notes" | days}}`, `days cannot show property "Notes", which is a rich text`, "", "?"},
		{`{{mention (prop "Contact")}}`, `mention cannot show property "Contact", which is a relation`, "", ""},
	} {
		tmpl, err := rules.ParseTemplate("item", c.text)
		if err != nil {
			t.Fatal(err)
		}
		b, mistakes := tmpl.Bind(deals(), nil)
		if len(mistakes) != 1 || mistakes[0].Stops {
			t.Errorf("%s: mistakes %v", c.text, mistakes)
			continue
		}
		checkError(t, c.text, mistakes[0].Err(), c.problem, c.hint)
		if got, err := b.Execute(acme(), context(t), nil); err != nil || got != c.said {
			t.Errorf("%s: got %q, %v", c.text, got, err)
		}
	}
}

func TestNamesOfAText(t *testing.T) {
	t.Parallel()
	tmpl, err := rules.ParseTemplate("item", `{{money (prop "Value")}}{{if prop "Stage"}}{{prop "value"}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tmpl.Names(), " "); got != "Value Stage" {
		t.Errorf("names %q", got)
	}
	b, _ := tmpl.Bind(deals(), nil)
	if got := strings.Join(b.Properties(), " "); got != "stage value" {
		t.Errorf("properties %q", got)
	}
}
