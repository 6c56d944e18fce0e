package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// apiError is one refusal, in Notion's words.
type apiError struct {
	status  int
	code    string
	message string
	extra   map[string]any // additional_data
}

func (e *apiError) Error() string { return e.message }

func (e *apiError) body(requestID string) map[string]any {
	b := map[string]any{
		"object": "error", "status": e.status, "code": e.code,
		"message": e.message, "request_id": requestID,
	}
	if e.extra != nil {
		b["additional_data"] = e.extra
	}
	return b
}

func invalid(format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, code: "validation_error", message: fmt.Sprintf(format, args...)}
}

func invalidURL() error {
	return &apiError{status: http.StatusBadRequest, code: "invalid_request_url", message: "Invalid request URL."}
}

func (w *Workspace) notFound(version, object, id string) error {
	message := fmt.Sprintf("Could not find %s with ID: %s. Make sure the relevant pages and databases are shared with your integration", object, id)
	e := &apiError{status: http.StatusNotFound, code: "object_not_found", message: message + "."}
	if version != version2022 {
		e.message = fmt.Sprintf("%s %q.", message, w.bot.name)
		e.extra = map[string]any{"integration_id": w.bot.id}
	}
	return e
}

func multipleSources(db *database) error {
	ids := make([]string, len(db.sources))
	for i, ds := range db.sources {
		ids[i] = ds.id
	}
	return &apiError{
		status: http.StatusBadRequest, code: "validation_error",
		message: "Databases with multiple data sources are not supported in this API version.",
		extra: map[string]any{
			"error_type": "multiple_data_sources_for_database", "database_id": db.id,
			"child_data_source_ids": ids, "minimum_api_version": version2025,
		},
	}
}

// path says where in a request a value was found: "body.parent.type".
type path string

func (p path) dot(key string) path { return p + path("."+key) }
func (p path) at(i int) path       { return path(fmt.Sprintf("%s[%d]", p, i)) }

// absent stands for a key that was not sent.
type absent struct{}

// refuse reports a value that is not what it should be.
func (p path) refuse(should string, got any) error {
	part, _, _ := strings.Cut(string(p), ".")
	return invalid("%s failed validation: %s should be %s, instead was `%s`.", part, p, should, show(got))
}

// atMost checks a length or a number against its limit.
func (p path) atMost(limit, got int) error {
	if got <= limit {
		return nil
	}
	return p.refuse(fmt.Sprintf("≤ `%d`", limit), got)
}

const shownLength = 55 // longer values are cut in error texts

func show(v any) string {
	if _, ok := v.(absent); ok {
		return "undefined"
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	s := []rune(strings.TrimSpace(b.String()))
	if len(s) > shownLength {
		return string(s[:shownLength]) + "..."
	}
	return string(s)
}

// lookup returns obj[key], or absent.
func lookup(obj map[string]any, key string) any {
	if v, ok := obj[key]; ok {
		return v
	}
	return absent{}
}

// object asserts that v is a JSON object.
func (p path) object(v any) (map[string]any, error) {
	obj, ok := v.(map[string]any)
	if ok {
		return obj, nil
	}
	if _, missing := v.(absent); missing {
		return nil, p.refuse("defined", v)
	}
	return nil, p.refuse("an object", v)
}

// list asserts that v is a JSON array of at most 100 elements.
func (p path) list(v any) ([]any, error) {
	items, ok := v.([]any)
	if !ok {
		if _, missing := v.(absent); missing {
			return nil, p.refuse("defined", v)
		}
		return nil, p.refuse("an array", v)
	}
	return items, p.dot("length").atMost(100, len(items))
}

// uuid asserts that v is an id.
func (p path) uuid(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", p.refuse("a string", v)
	}
	id, ok := parseID(s)
	if !ok {
		return "", p.refuse("a valid uuid", v)
	}
	return id, nil
}

// only refuses keys that the API does not know, in a stable order.
func (p path) only(obj map[string]any, known ...string) error {
	for _, key := range sortedKeys(obj) {
		found := false
		for _, k := range known {
			found = found || k == key
		}
		if !found {
			return p.dot(key).refuse("not present", obj[key])
		}
	}
	return nil
}
