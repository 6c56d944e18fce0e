package sandbox_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recording is one answer of the real API. The recordings lie beside the
// repository, not in it.
type recording struct {
	file   string
	Source struct {
		Provenance string `json:"provenance"`
	} `json:"source"`
	Request struct {
		Method  string `json:"method"`
		URL     string `json:"url"`
		Version string `json:"notion_version"`
		Body    object `json:"body"`
	} `json:"request"`
	Response struct {
		Status int `json:"status"`
		Body   any `json:"body"`
	} `json:"response"`
}

// corpus reads the recorded answers of some folders.
func corpus(t *testing.T, folders ...string) []recording {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "corpus")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("find recorded answers: %v", err)
		}
		t.Skipf("recorded answers of the Notion API are not on this machine: %v", err)
	}
	var out []recording
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := recording{file: folder + "/" + filepath.Base(file)}
			if err := json.Unmarshal(raw, &r); err != nil {
				continue // a body that is no object, such as a form
			}
			out = append(out, r)
		}
	}
	return out
}

// shape is what a place in an answer may look like: all that any recording of
// it shows. Notion changed over time within one version, so recordings of one
// version disagree among themselves; an answer like any of them is right.
type shape struct {
	kinds   map[string]bool // of JSON
	keysets map[string]bool // of objects
	fields  map[string]*shape
	element *shape
}

func newShape() *shape {
	return &shape{kinds: map[string]bool{}, keysets: map[string]bool{}, fields: map[string]*shape{}}
}

func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func keyset(obj object) string {
	var keys []string
	for key := range obj {
		if key != "request_id" { // only on the outside of an answer
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, ",")
}

func (s *shape) learn(v any) {
	s.kinds[jsonKind(v)] = true
	switch v := v.(type) {
	case object:
		s.keysets[keyset(v)] = true
		for key, value := range v {
			if s.fields[key] == nil {
				s.fields[key] = newShape()
			}
			if !ownClass(value) {
				s.fields[key].learn(value)
			}
		}
	case []any:
		if s.element == nil {
			s.element = newShape()
		}
		for _, item := range v {
			if !ownClass(item) {
				s.element.learn(item)
			}
		}
	}
}

// check lists where v looks like no recording.
func (s *shape) check(at string, v any) []string {
	if !s.kinds[jsonKind(v)] {
		return []string{fmt.Sprintf("%s is %s %v, recorded %v", at, jsonKind(v), v, s.kinds)}
	}
	var out []string
	switch v := v.(type) {
	case object:
		if !s.keysets[keyset(v)] {
			out = append(out, fmt.Sprintf("%s has keys\n  %s, recorded\n  %v", at, keyset(v), strings.Join(sortedKeys(s.keysets), "\n  ")))
		}
		for key, value := range v {
			out = append(out, s.fields[key].checkInner(at+"."+key, value)...)
		}
	case []any:
		for i, item := range v {
			out = append(out, s.element.checkInner(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
	}
	return out
}

func (s *shape) checkInner(at string, v any) []string {
	if s == nil || ownClass(v) {
		return nil
	}
	return s.check(at, v)
}

func sortedKeys(m map[string]bool) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// ownClass says whether a value is judged by itself wherever it stands: API
// objects, page property values and property schemas.
func ownClass(v any) bool { return class(v) != "" }

func class(v any) string {
	obj, ok := v.(object)
	if !ok {
		return ""
	}
	kind, _ := obj["type"].(string)
	if name, ok := obj["object"].(string); ok {
		if name == "user" || name == "list" || name == "property_item" {
			name += " " + kind
		}
		return name
	}
	_, hasID := obj["id"].(string)
	if _, typed := obj[kind]; !hasID || !typed {
		return ""
	}
	if _, named := obj["name"]; named {
		return "schema " + kind
	}
	return "value " + kind
}

// shapes are the shapes of all classes by version.
type shapes map[string]map[string]*shape

const anyVersion = ""

func (s shapes) learn(version string, v any) {
	each(v, func(name string, v any) {
		s.of(version, name).learn(bare(v))
		s.of(anyVersion, name).learn(undescribed(bare(v)))
		if kind, ok := strings.CutPrefix(name, "value "); ok {
			s.of(anyVersion, "property_item "+kind).learn(object{kind: dig(v, kind)})
		}
	})
}

func (s shapes) of(version, name string) *shape {
	if s[version] == nil {
		s[version] = map[string]*shape{}
	}
	if s[version][name] == nil {
		s[version][name] = newShape()
	}
	return s[version][name]
}

// undescribed drops what makes the schemas of versions differ.
func undescribed(v any) any {
	if !strings.HasPrefix(class(v), "schema ") {
		return v
	}
	out := object{}
	for key, value := range v.(object) {
		if key != "description" {
			out[key] = value
		}
	}
	return out
}

// check compares every object in an answer with the recordings of its class.
// Values and people look alike in all versions, so all recordings count for
// them, as they do for what is not recorded for a version.
func (s shapes) check(t *testing.T, version string, v any) {
	t.Helper()
	each(v, func(name string, v any) {
		known, seen := s[version][name], bare(v)
		alike := strings.HasPrefix(name, "value ") || strings.HasPrefix(name, "property_item ") || name == "user person"
		if known == nil || alike {
			known, seen = s[anyVersion][name], undescribed(seen)
		}
		if known == nil {
			if !slices.Contains(unrecorded, name) {
				t.Errorf("%s: nothing like %s is recorded", version, name)
			}
			return
		}
		for _, problem := range known.check(name, seen) {
			t.Errorf("%s: %s", version, problem)
		}
	})
}

// unrecorded are the classes that no recording shows.
var unrecorded = []string{"value last_visited_time", "schema last_visited_time", "block", "list block"}

// bare empties the properties of an object: their keys are names.
func bare(v any) any {
	obj, ok := v.(object)
	if _, has := obj["properties"].(object); !ok || !has {
		return v
	}
	out := object{}
	maps.Copy(out, obj)
	out["properties"] = object{}
	return out
}

// each visits every object with a class of its own.
func each(v any, visit func(name string, v any)) {
	switch v := v.(type) {
	case object:
		if name := class(v); name != "" {
			visit(name, v)
		}
		for _, value := range v {
			each(value, visit)
		}
	case []any:
		for _, item := range v {
			each(item, visit)
		}
	}
}
