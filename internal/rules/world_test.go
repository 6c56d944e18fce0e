package rules_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

const (
	ana = "11111111-1111-1111-1111-111111111111"
	bob = "22222222-2222-2222-2222-222222222222"
)

// deals is the standard Deals database with a property of every other kind.
func deals() crm.Schema {
	return crm.Schema{Database: "d", Name: "Deals", Properties: []crm.Property{
		{ID: "title", Name: "Deal Name", Kind: crm.KindTitle},
		{ID: "stage", Name: "Stage", Kind: crm.KindStatus, Options: []string{"Lead", "Negotiation", "Won", "Lost"}},
		{ID: "value", Name: "Value", Kind: crm.KindNumber},
		{ID: "owner", Name: "Owner", Kind: crm.KindPeople},
		{ID: "source", Name: "Source", Kind: crm.KindSelect, Options: []string{"Website", "Spam"}},
		{ID: "tags", Name: "Tags", Kind: crm.KindMultiSelect, Options: []string{"VIP", "Old"}},
		{ID: "vip", Name: "Paid", Kind: crm.KindCheckbox},
		{ID: "close", Name: "Close Date", Kind: crm.KindDate},
		{ID: "notes", Name: "Notes", Kind: crm.KindText},
		{ID: "contact", Name: "Contact", Kind: crm.KindRelation},
		{ID: "score", Name: "Score", Kind: "formula"},
		{ID: "date", Name: "Date", Kind: crm.KindDate},
		{ID: "made", Name: "Made by", Kind: "created_by"},
	}}
}

func number(digits string) crm.Value {
	return crm.Value{Kind: crm.KindNumber, Number: json.Number(digits)}
}

func people(ids ...string) crm.Value { return crm.Value{Kind: crm.KindPeople, IDs: ids} }

func stage(name string) crm.Value { return crm.Choice(crm.KindStatus, name) }

func ticked(yes bool) crm.Value { return crm.Value{Kind: crm.KindCheckbox, Check: yes} }

// acme is a row of deals.
func acme() rules.Row {
	return rules.Row{
		Page: "p", URL: "https://www.notion.so/acme", EditedBy: bob,
		CreatedAt: time.Date(2026, 11, 1, 23, 30, 0, 0, time.UTC),
		Values: map[string]crm.Value{
			"title": crm.Text(crm.KindTitle, "Acme"), "stage": stage("Won"), "value": number("12000"),
			"owner": people(ana), "source": crm.Choice(crm.KindSelect, "Website"),
			"tags": crm.Choice(crm.KindMultiSelect, "VIP", "Old"), "vip": ticked(true),
			"close": crm.Day("2026-11-20"), "notes": crm.Text(crm.KindText, "call back"),
			"score": {Kind: "formula", Number: "7"}, "date": crm.Day("2026-11-19T23:30:00.000+00:00"),
			"made": {Kind: "created_by", IDs: []string{bob}},
		},
	}
}

func context(t *testing.T) rules.Context {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{ana: "Ana Lima", bob: "Bob <!here>"}
	return rules.Context{
		Zone:   zone,
		Now:    time.Date(2026, 12, 20, 23, 30, 0, 0, time.UTC), // the 21st in Berlin
		Person: func(id string) string { return names[id] },
	}
}

func compile(t *testing.T, name string, s rules.Spec) *rules.Rule {
	t.Helper()
	r, err := rules.Compile(name, s)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return r
}

// bind compiles and binds a rule that has no mistakes.
func bind(t *testing.T, name string, s rules.Spec) *rules.Bound {
	t.Helper()
	b, mistakes := compile(t, name, s).Bind(deals(), nil)
	for _, m := range mistakes {
		t.Fatalf("mistake: %v (%s)", m, m.Hint)
	}
	return b
}

// when is a rule without condition.
func when(w rules.When) rules.Spec { return rules.Spec{When: w, Text: "x"} }
