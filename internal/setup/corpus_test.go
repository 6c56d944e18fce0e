package setup_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/setup"
)

// recorded reads the schemas of the recorded databases, which lie beside the
// repository and not in it.
func recorded(t *testing.T) []crm.Schema {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", "databases", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("no recorded databases beside the repository")
		}
		t.Skip("no recorded databases beside the repository")
	}
	var all []crm.Schema
	for _, file := range files {
		var x struct {
			Response struct {
				Body struct {
					Title []struct {
						Text string `json:"plain_text"`
					}
					Properties map[string]struct {
						ID, Type string
						Status   struct{ Options []struct{ Name string } }
						Select   struct{ Options []struct{ Name string } }
					}
				}
			}
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if json.Unmarshal(raw, &x) != nil || len(x.Response.Body.Properties) == 0 {
			continue
		}
		s := crm.Schema{Database: filepath.Base(file)}
		for _, part := range x.Response.Body.Title {
			s.Name += part.Text
		}
		for name, p := range x.Response.Body.Properties {
			property := crm.Property{ID: p.ID, Name: name, Kind: crm.Kind(p.Type)}
			for _, o := range slices.Concat(p.Status.Options, p.Select.Options) {
				property.Options = append(property.Options, o.Name)
			}
			s.Properties = append(s.Properties, property)
		}
		slices.SortFunc(s.Properties, func(a, b crm.Property) int { return cmpNames(a.Name, b.Name) })
		all = append(all, s)
	}
	return all
}

func cmpNames(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// Whatever a database of the real Notion looks like: what is proposed fits it,
// and the file that is written means just that.
func TestRecordedDatabasesGetAMappingThatFits(t *testing.T) {
	t.Parallel()
	seen := map[setup.Role]int{}
	all := recorded(t)
	for _, role := range setup.Roles() {
		for _, c := range setup.Candidates(role, all) {
			seen[role]++
			a := proposed(map[setup.Role]crm.Schema{role: c.Schema})
			taken := map[string]setup.Slot{}
			for _, slot := range setup.Slots(role) {
				name := a.Mapping[slot]
				if name == "" {
					continue
				}
				if !slices.Contains(setup.Choices(slot, c.Schema, a.Mapping), name) {
					t.Errorf("%s: %s is %q, which does not fit", c.Database, slot, name)
				}
				if other, twice := taken[name]; twice && slot.Of() == "" && other.Of() == "" {
					t.Errorf("%s: %q takes %s and %s", c.Database, name, other, slot)
				}
				taken[name] = slot
			}
			means(t, c.Database, a, a.RenderYAML())
		}
	}
	if seen[setup.Contacts] < 20 || seen[setup.Deals] < 20 {
		t.Errorf("only %v were recognised", seen)
	}
}
