package sandbox_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func versions() []string { return []string{"2022-06-28", "2025-09-03", "2026-03-11"} }

func learned(t *testing.T) shapes {
	t.Helper()
	known := shapes{}
	for _, r := range corpus(t, "pages", "databases", "queries", "users", "property_items", "errors") {
		if r.Source.Provenance != "docs" {
			known.learn(r.Request.Version, r.Response.Body)
		}
	}
	return known
}

func TestAnswersHaveTheShapesOfRecordedOnes(t *testing.T) {
	t.Parallel()
	known := learned(t)
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, sandbox.Options{}).on(version)
			db := sample(c)
			rows := c.w.Rows(db)
			c.w.EditRow(rows[0].ID, map[string]any{"relation": []string{rows[1].ID, rows[2].ID}})
			answers := []object{
				c.ok("GET", "/v1/users/me", nil),
				c.ok("GET", "/v1/users", nil),
				c.ok("GET", "/v1/users/"+c.w.People()[0].ID, nil),
				c.ok("GET", "/v1/databases/"+db.ID, nil),
				c.ok("GET", "/v1/blocks/"+rows[0].ID+"/children", nil),
			}
			body := newPage(db, object{"title": object{"title": text("New")}, "place": object{"place": object{"lat": 1.5, "lon": 2, "address": "x", "aws_place_id": "x", "google_place_id": "x"}}})
			answers = append(answers, c.ok("POST", "/v1/pages", body))
			if version == "2022-06-28" {
				answers = append(answers, c.ok("POST", "/v1/databases/"+db.ID+"/query", object{"page_size": 2}))
			} else {
				answers = append(answers,
					c.ok("GET", "/v1/data_sources/"+db.DataSourceID, nil),
					c.ok("POST", "/v1/data_sources/"+db.DataSourceID+"/query", object{"page_size": 2}))
			}
			for _, row := range rows {
				page := c.ok("GET", "/v1/pages/"+row.ID, nil)
				answers = append(answers, page)
				for _, p := range page["properties"].(object) {
					if dig(p, "type") == "last_visited_time" {
						continue
					}
					answers = append(answers, c.ok("GET", "/v1/pages/"+row.ID+"/properties/"+dig(p, "id").(string), nil))
				}
			}
			_, missing := c.do("GET", "/v1/pages/"+someID, nil)
			_, unknown := c.do("GET", "/v1/nothing", nil)
			for _, answer := range append(answers, missing, unknown) {
				known.check(t, version, answer)
			}
		})
	}
}

// TestTheShapeCheckFindsDifferences keeps the comparison honest.
func TestTheShapeCheckFindsDifferences(t *testing.T) {
	t.Parallel()
	known := learned(t)
	c := newClient(t, sandbox.Options{})
	db := sample(c)
	page := c.ok("GET", "/v1/pages/"+c.w.Rows(db)[0].ID, nil)
	spoil := map[string]func(){
		"a missing key":     func() { delete(page, "in_trash") },
		"an additional key": func() { page["archived"] = false },
		"another type":      func() { page["icon"] = 5.0 },
	}
	s := known["2026-03-11"]["page"]
	if problems := s.check("page", bare(page)); len(problems) > 0 {
		t.Fatalf("an unspoilt page: %v", problems)
	}
	for name, change := range spoil {
		change()
		if len(s.check("page", bare(page))) == 0 {
			t.Errorf("%s goes unnoticed", name)
		}
		page = c.ok("GET", "/v1/pages/"+c.w.Rows(db)[0].ID, nil)
	}
}
