package digest_test

import (
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/rules"
)

func TestTheStandardDigestsAreOrdinary(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]bool{"stale-leads": false, "pipeline": true} {
		spec := digest.Standard()[name]
		d, err := digest.Compile(name, "id", spec)
		if err != nil {
			t.Fatal(err)
		}
		if d.Off() != off || d.Name() != name || d.Database() != "id" || d.Channel() != "default" || d.Schedule() != spec.Schedule {
			t.Errorf("%+v", d)
		}
		schema := contactSchema()
		if name == "pipeline" {
			schema = dealSchema()
		}
		if _, mistakes := d.Bind(crm.Bindings{Schema: schema}); len(mistakes) > 0 {
			t.Errorf("%s: %v", name, mistakes)
		}
	}
}

func TestAFieldThatIsSetReplacesThatFieldOnly(t *testing.T) {
	t.Parallel()
	merged := rules.Merge(digest.Standard(), map[string]digest.Spec{
		"stale-leads": {Schedule: "weekdays 08:30"},
		"pipeline":    {Off: new(false), Closed: []string{"Dead"}},
		"own":         {Schedule: "10:00", Database: "deals"},
	})
	stale, pipeline := merged["stale-leads"], merged["pipeline"]
	if stale.Schedule != "weekdays 08:30" || stale.Limit != 10 || stale.Filter != digest.Standard()["stale-leads"].Filter {
		t.Errorf("%+v", stale)
	}
	if *pipeline.Off || pipeline.Stage != "Stage" || len(pipeline.Closed) != 1 || !*digest.Standard()["pipeline"].Off {
		t.Errorf("%+v", pipeline)
	}
	for name, s := range merged {
		if _, err := digest.Compile(name, "", s); err != nil {
			t.Error(err)
		}
	}
}

func TestDigestsThatCannotBe(t *testing.T) {
	t.Parallel()
	own := func(s digest.Spec) digest.Spec {
		return s.Over(digest.Spec{Schedule: "09:00", Database: "deals"})
	}
	for _, tt := range []struct {
		name, err, hint string
		spec            digest.Spec
	}{
		{"no schedule", `digest "d": schedule: is missing`, "weekdays 09:00", digest.Spec{Database: "deals"}},
		{"no database", `digest "d": database: is missing`, "database: deals", digest.Spec{Schedule: "09:00"}},
		{"a wrong name switched off", `digest "d": off: there is no default digest of this name`, "default digests: pipeline, stale-leads", digest.Spec{Off: new(true)}},
		{"a limit below 1", `digest "d": limit: must be from 1 to 1000, and is -1`, "10", own(digest.Spec{Limit: -1})},
		{"days below 0", `digest "d": stuck_days: must not be negative, and is -1`, "30", own(digest.Spec{Stage: "Stage", StuckDays: -1})},
		{"a broken filter", `digest "d": filter: 1:7: unexpected token Operator("=")`, "==", own(digest.Spec{Filter: "Stage = 1"})},
		{"an unknown function", `digest "d": filter: 1:1: unknown function "day_since"`, "days_since", own(digest.Spec{Filter: "day_since(created()) > 1"})},
		{"an unknown field", `digest "d": text: 1:3: unknown field .Cuont`, `"Count"`, own(digest.Spec{Text: "{{.Cuont}}"})},
		{"a row in the head", `digest "d": text: speaks of many rows, so property "Name" has no place in it`, "put it into line", own(digest.Spec{Text: `{{prop "Name"}}`})},
		{"a field of the head in a line", `digest "d": line: 1:3: unknown field .Count`, "", own(digest.Spec{Line: `{{.Count}}`})},
		{"a row in a line about a stage", `digest "d": line: speaks of a stage, so property "Name" has no place in it`, ".Stage", own(digest.Spec{Stage: "Stage", Line: `{{prop "Name"}}`})},
		{"a sort by nothing", `digest "d": sort: a name is missing`, "-Value", own(digest.Spec{Sort: []string{"Value", "-"}})},
		{"a value without a stage", `digest "d": value: belongs to a pipeline, which has a stage`, "stage: Stage", own(digest.Spec{Value: "Value"})},
		{"a pipeline for owners", `digest "d": stage: a pipeline has neither owner nor sort`, "second digest", own(digest.Spec{Stage: "Stage", Owner: "Owner"})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := digest.Compile("d", "", tt.spec)
			if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
				t.Fatalf("got  %v\nwant %s", err, tt.err)
			}
			if hint, _ := crm.Hint(err); !strings.Contains(hint, tt.hint) {
				t.Errorf("hint %q, want it to hold %q", hint, tt.hint)
			}
		})
	}
}

func TestDigestsThatDoNotFitTheirDatabase(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, hint string
		spec             digest.Spec
		stops            bool
	}{
		{"filter", `digest "d": filter: property "Vlaue" is not in database "Deals"`, `did you mean "Value"?`, digest.Spec{Filter: "Vlaue > 1"}, true},
		{"an option in a filter", `digest "d": filter: property "Stage" has no option "Wno"`, `did you mean "Won"?`, digest.Spec{Filter: `Stage == "Wno"`}, false},
		{"line", `digest "d": line: property "Vlaue" is not in database "Deals"`, `did you mean "Value"?`, digest.Spec{Line: `{{prop "Vlaue"}}`}, false},
		{"sort", `digest "d": sort: property "Vlaue" is not in database "Deals"`, `did you mean "Value"?`, digest.Spec{Sort: []string{"-Vlaue"}}, true},
		{"sort, the second choice", `digest "d": sort: property "create" is not in database "Deals"`, "", digest.Spec{Sort: []string{"Value ?? create"}}, true},
		{"owner", `digest "d": owner: property "Ower" is not in database "Deals"`, `did you mean "Owner"?`, digest.Spec{Owner: "Ower"}, true},
		{"an owner that is no person", `digest "d": owner: property "Value" is a number, and cannot be the owner`, "people", digest.Spec{Owner: "Value"}, true},
		{"stage", `digest "d": stage: property "Stag\"e" is not in database "Deals"`, `did you mean "Stage"?`, digest.Spec{Stage: `Stag"e`}, true},
		{"a stage that is a text", `digest "d": stage: property "Deal Name" is a title, and cannot be the stage`, "select", digest.Spec{Stage: "Deal Name"}, true},
		{"value", `digest "d": value: property "Owner" is a people, and cannot be the value`, "number", digest.Spec{Stage: "Stage", Value: "Owner"}, true},
		{"closed", `digest "d": closed: property "Stage" has no option "Lsot"`, `did you mean "Lost"?`, digest.Spec{Stage: "Stage", Closed: []string{"Won", "Lsot"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := digest.Compile("d", deals, tt.spec.Over(digest.Spec{Schedule: "09:00", Database: "deals"}))
			if err != nil {
				t.Fatal(err)
			}
			_, mistakes := d.Bind(crm.Bindings{Schema: dealSchema()})
			if len(mistakes) == 0 {
				t.Fatal("no mistake")
			}
			if m := mistakes[0]; !strings.HasPrefix(m.String(), tt.text) || !strings.Contains(m.Hint, tt.hint) || m.Stops != tt.stops {
				t.Errorf("got  %s (%s), stops %v\nwant %s (%s), stops %v", m, m.Hint, m.Stops, tt.text, tt.hint, tt.stops)
			}
		})
	}
}
