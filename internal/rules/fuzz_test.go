package rules_test

import (
	"regexp"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

func FuzzRulesNeverPanic(f *testing.F) {
	f.Add("Won", `Value > 10000 and Source != "spam"`, `🎉 *{{prop "Deal Name"}}* — {{money (prop "Value")}}`)
	f.Add("", `days_since(prop("Close Date")) >= 30 or not ("VIP" in Tags)`, `{{if eq new "x"}}{{link old}}{{else}}{{by | default}}{{end}}`)
	f.Add("2026-01-01", `(Score ?? -1) * 2 / Value == nil ? Paid : Notes matches "a+"`, `{{join (prop "Tags") ", "}}{{date (prop "Date") "2 Jan"}}`)
	f.Add("1e5", `Stage in ["a", 3, nil, [Tags]] | blank()`, `{{mention (prop "Owner")}}{{days (prop "Made by")}}{{number 1i}}`)
	f.Fuzz(func(t *testing.T, option, condition, text string) {
		for _, w := range []rules.When{
			{Property: rules.List{"Stage", option}, Becomes: rules.List{option}},
			{Property: rules.List{"Notes"}, Changes: &rules.Changes{From: rules.List{option}, To: rules.List{option}}},
			{Property: rules.List{"Value", "Date", "Paid"}, Is: option},
		} {
			r, err := rules.Compile("x", rules.Spec{When: w, If: condition, Text: text})
			if err != nil {
				continue
			}
			b, mistakes := r.Bind(deals(), nil)
			for _, m := range mistakes {
				_ = m.Err().Error()
			}
			for _, row := range []rules.Row{acme(), {}} {
				change := crm.Change{Property: "stage", Old: crm.Text(crm.KindText, option), New: stage("Won")}
				b.Fires(change, row, context(t))
				if _, err := b.Text(change, row, context(t)); err != nil {
					t.Errorf("%q: %v", text, err)
				}
			}
		}
	})
}

func FuzzValuesStayValues(f *testing.F) {
	f.Add("<!channel>", "https://notion.so/x", "11111111-1111-1111-1111-111111111111", "12")
	f.Add("&lt;@U1>\n> quote", "https://x/|<!here>", "!channel", "<1>")
	f.Add("\u202e<http://evil|x>", "javascript:x", "x> <!here", "1e9")
	f.Add("a&b;<#C1>", "http://a b/<@U1>", "", "-0.5")
	token := regexp.MustCompile(`<@[A-Za-z0-9-]+>|<https?://[^<>|\s]+\|[^<>\n]*>`)
	entity := regexp.MustCompile(`&(amp|lt|gt);`)
	tmpl, err := rules.ParseTemplate("x", `{{title}}{{prop "Notes"}}{{prop "Stage"}}{{join (prop "Tags") ""}}{{money (prop "Value")}}{{number (prop "Value")}}{{prop "Value"}}`+
		`{{prop "Date"}}{{date (prop "Date") "2 Jan"}}{{days (prop "Date")}}{{prop "Contact"}}{{prop "Owner"}}{{by}}{{default (prop "Notes") "-"}}{{.Field}}`+
		`{{link}}{{link (prop "Notes")}}{{mention (prop "Owner")}}`, "Field")
	if err != nil {
		f.Fatal(err)
	}
	b, _ := tmpl.Bind(deals(), nil)
	f.Fuzz(func(t *testing.T, text, url, id, digits string) {
		in := context(t)
		in.Person = func(string) string { return text }
		got, err := b.Execute(rules.Row{URL: url, EditedBy: id, Values: map[string]crm.Value{
			"title": crm.Text(crm.KindTitle, text), "notes": crm.Text(crm.KindText, text), "stage": stage(text),
			"tags": crm.Choice(crm.KindMultiSelect, text, text), "value": number(digits), "date": crm.Day(text),
			"contact": {Kind: crm.KindRelation, IDs: []string{text}}, "owner": people(id, text),
		}}, in, map[string]any{"Field": text})
		if err != nil {
			t.Fatal(err)
		}
		rest := entity.ReplaceAllString(token.ReplaceAllString(got, ""), "")
		if bad := regexp.MustCompile("[<>&\n\r\u202e\u2028]").FindString(rest); bad != "" {
			t.Errorf("%q in %q", bad, got)
		}
	})
}
