package sandbox

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody is Notion's limit for a request body.
const maxBody = 500 * 1000

// call is one authentic request on its way to an endpoint.
type call struct {
	version   string
	params    []string // what the stars of the route matched
	query     url.Values
	body      map[string]any
	now       time.Time
	committed map[string]any // what a write left behind, for additional_data
	wrote     bool
}

type endpoint func(*Workspace, *call) (map[string]any, error)

type route struct {
	method, pattern string
	old, current    bool // served on 2022-06-28, on later versions
	needs           Capability
	do              endpoint
}

func routes() []route {
	return []route{
		{"GET", "users/me", true, true, "", getMe},
		{"GET", "users/*", true, true, ReadUsers, getUser},
		{"GET", "users", true, true, ReadUsers, listUsers},
		{"POST", "databases", false, true, InsertContent, createDatabase},
		{"GET", "databases/*", true, true, ReadContent, getDatabase},
		{"POST", "databases/*/query", true, false, ReadContent, queryDatabase},
		{"GET", "data_sources/*", false, true, ReadContent, getDataSource},
		{"PATCH", "data_sources/*", false, true, UpdateContent, updateDataSource},
		{"POST", "data_sources/*/query", false, true, ReadContent, queryDataSource},
		{"POST", "pages", true, true, InsertContent, createPage},
		{"GET", "pages/*", true, true, ReadContent, getPage},
		{"PATCH", "pages/*", true, true, UpdateContent, updatePage},
		{"GET", "pages/*/properties/*", true, true, ReadContent, getPropertyItem},
		{"GET", "blocks/*", true, true, ReadContent, getBlock},
		{"GET", "blocks/*/children", true, true, ReadContent, listChildren},
		{"PATCH", "blocks/*/children", true, true, InsertContent, appendChildren},
		{"POST", "search", true, true, ReadContent, search},
	}
}

func match(pattern, target string) ([]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(target, "/")
	if len(want) != len(got) {
		return nil, false
	}
	var params []string
	for i := range want {
		if want[i] == "*" && got[i] != "" {
			params = append(params, got[i])
		} else if want[i] != got[i] {
			return nil, false
		}
	}
	return params, true
}

// find picks the route for a request. Only those of the right version exist:
// Notion answers invalid_request_url for the others.
func (c *call) find(method, target string) (route, bool) {
	rest, ok := strings.CutPrefix(target, "/v1/")
	if !ok {
		return route{}, false
	}
	for _, r := range routes() {
		served := r.old && c.version == version2022 || r.current && c.version != version2022
		if params, ok := match(r.pattern, rest); ok && served && r.method == method {
			c.params = params
			return r, true
		}
	}
	return route{}, false
}

// process runs a request against the workspace, without faults or limits.
// The lock is held by the caller.
func (w *Workspace) process(r *http.Request, body []byte, now time.Time) (reply, *call) {
	c := &call{query: r.URL.Query(), now: now}
	out, err := w.dispatch(c, r, body)
	if err != nil {
		return w.failure(err), c
	}
	id := w.newRequestID()
	out["request_id"] = id
	return jsonReply(http.StatusOK, out, id), c
}

func (w *Workspace) dispatch(c *call, r *http.Request, body []byte) (map[string]any, error) {
	if r.Header.Get("Authorization") != "Bearer "+w.token {
		return nil, &apiError{status: http.StatusUnauthorized, code: "unauthorized", message: "API token is invalid."}
	}
	if err := c.readVersion(r.Header.Get("Notion-Version")); err != nil {
		return nil, err
	}
	to, ok := c.find(r.Method, r.URL.Path)
	if !ok {
		return nil, invalidURL()
	}
	if w.withheld[to.needs] {
		return nil, errCapability()
	}
	if err := c.readBody(r, body); err != nil {
		return nil, err
	}
	return to.do(w, c)
}

func (c *call) readVersion(header string) error {
	const name = "Notion-Version header"
	switch header {
	case version2022, version2025, version2026:
		c.version = header
		return nil
	case "":
		return &apiError{
			status: http.StatusBadRequest, code: "missing_version",
			message: name + " failed validation: " + name + " should be defined, instead was `undefined`.",
		}
	default:
		return invalid("%s failed validation: %s should be `\"%s\"`, `\"%s\"`, or `\"%s\"`, instead was `%s`.",
			name, name, version2026, version2025, version2022, show(header))
	}
}

func (c *call) readBody(r *http.Request, body []byte) error {
	if len(body) > maxBody {
		return &apiError{
			status: http.StatusRequestEntityTooLarge, code: "validation_error",
			message: "Request body too large.",
		}
	}
	if r.Method == http.MethodGet {
		return nil
	}
	if len(body) == 0 {
		c.body = map[string]any{}
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return &apiError{status: http.StatusBadRequest, code: "invalid_json", message: "Error parsing JSON body."}
	}
	obj, err := path("body").object(v)
	c.body = obj
	return err
}

// newRequestID does not draw from the stream of ids, so that the ids of pages
// do not depend on how many requests were made.
func (w *Workspace) newRequestID() string {
	w.requests++
	return derivedID(strconv.FormatUint(w.opts.Seed, 10), w.requests)
}

func (w *Workspace) failure(err error) reply {
	e := &apiError{status: http.StatusInternalServerError, code: "internal_server_error", message: "Unexpected error occurred."}
	_ = errors.As(err, &e)
	id := w.newRequestID()
	return jsonReply(e.status, e.body(id), id)
}

// pageSize reads page_size from a query string or a body.
func pageSize(at path, v any) (int, error) {
	const limit = 100
	n := float64(limit)
	switch v := v.(type) {
	case absent:
	case float64:
		n = v
	case string:
		parsed, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0, at.refuse("a number or `undefined`", v)
		}
		n = parsed
	default:
		return 0, at.refuse("a number or `undefined`", v)
	}
	switch {
	case n > limit:
		return 0, at.refuse("≤ `100` or `undefined`", n)
	case n < 1:
		return 0, at.refuse("≥ `1` or `undefined`", n)
	case n != float64(int(n)):
		return 0, at.refuse("an integer or `undefined`", n)
	}
	return int(n), nil
}

func invalidCursor(cursor any) error {
	s, ok := cursor.(string)
	if !ok {
		return path("body.start_cursor").refuse("a string or `undefined`", cursor)
	}
	return invalid("The start_cursor provided is invalid: %s", s)
}

// listOf pages through a fixed list for the GET endpoints. The cursor is the
// position, dressed as an id.
func (c *call) listOf(kind string, all []any) (map[string]any, error) {
	var size any = absent{}
	if c.query.Has("page_size") {
		size = c.query.Get("page_size")
	}
	n, err := pageSize("query.page_size", size)
	if err != nil {
		return nil, err
	}
	start := 0
	if cursor := c.query.Get("start_cursor"); cursor != "" {
		if start = cursorPosition(cursor); start < 0 || start > len(all) {
			return nil, invalidCursor(cursor)
		}
	}
	end := min(start+n, len(all))
	out := envelope(kind, all[start:end])
	if end < len(all) {
		out["has_more"], out["next_cursor"] = true, positionCursor(end)
	}
	return out, nil
}

// envelope is the outside of every list.
func envelope(kind string, results []any) map[string]any {
	if results == nil {
		results = []any{}
	}
	return map[string]any{
		"object": "list", "results": results, "has_more": false, "next_cursor": nil,
		"type": kind, kind: map[string]any{},
	}
}

const positionPrefix = "c0de0000-0000-8000-8000-"

func positionCursor(n int) string {
	s := strconv.Itoa(n)
	return positionPrefix + strings.Repeat("0", 12-len(s)) + s
}

func cursorPosition(cursor string) int {
	digits, ok := strings.CutPrefix(cursor, positionPrefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return -1
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
