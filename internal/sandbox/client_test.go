package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/sandbox"
)

type object = map[string]any

// client speaks to a sandbox in process.
type client struct {
	t       testing.TB
	w       *sandbox.Workspace
	version string
	token   string
}

func newClient(t testing.TB, o sandbox.Options) *client {
	t.Helper()
	return &client{t: t, w: sandbox.New(o), version: "2026-03-11", token: "sandbox-token"}
}

func (c *client) on(version string) *client {
	other := *c
	other.version = version
	return &other
}

func (c *client) request(method, target string, body any) *http.Request {
	c.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			c.t.Fatalf("encode body: %v", err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, "https://api.notion.com"+target, r)
	if err != nil {
		c.t.Fatalf("build request: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.version != "" {
		req.Header.Set("Notion-Version", c.version)
	}
	return req
}

// send returns whatever comes back, or the error of the connection.
func (c *client) send(method, target string, body any) (*http.Response, []byte, error) {
	c.t.Helper()
	res, err := c.w.Transport().RoundTrip(c.request(method, target, body))
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res, raw, err
}

// do wants a JSON answer.
func (c *client) do(method, target string, body any) (int, object) {
	c.t.Helper()
	res, raw, err := c.send(method, target, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	var out object
	if err := json.Unmarshal(raw, &out); err != nil {
		c.t.Fatalf("%s %s: decode %q: %v", method, target, raw, err)
	}
	return res.StatusCode, out
}

// ok wants status 200.
func (c *client) ok(method, target string, body any) object {
	c.t.Helper()
	status, out := c.do(method, target, body)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s: got %d %v, want 200", method, target, status, out["message"])
	}
	return out
}

// refused wants an error of a code with a message.
func (c *client) refused(method, target string, body any, status int, code, message string) object {
	c.t.Helper()
	got, out := c.do(method, target, body)
	if got != status || out["code"] != code || out["message"] != message {
		c.t.Errorf("%s %s:\n got %d %v %v\nwant %d %s %s", method, target, got, out["code"], out["message"], status, code, message)
	}
	return out
}

func (c *client) invalid(method, target string, body any, message string) {
	c.t.Helper()
	c.refused(method, target, body, http.StatusBadRequest, "validation_error", message)
}

func (c *client) create(db *sandbox.Database, properties object) object {
	c.t.Helper()
	return c.ok("POST", "/v1/pages", newPage(db, properties))
}

func newPage(db *sandbox.Database, properties object) object {
	return object{"parent": object{"data_source_id": db.DataSourceID}, "properties": properties}
}

func (c *client) query(db *sandbox.Database, body object) []object {
	c.t.Helper()
	out := c.ok("POST", "/v1/data_sources/"+db.DataSourceID+"/query", body)
	var rows []object
	for _, r := range list(out["results"]) {
		rows = append(rows, r.(object))
	}
	return rows
}

// dig follows keys and indexes into an answer; nil when there is nothing.
func dig(v any, keys ...any) any {
	for _, key := range keys {
		switch k := key.(type) {
		case string:
			obj, _ := v.(object)
			v = obj[k]
		case int:
			items := list(v)
			if k >= len(items) {
				return nil
			}
			v = items[k]
		}
	}
	return v
}

func list(v any) []any {
	items, _ := v.([]any)
	return items
}

func text(s string) []any {
	return []any{object{"text": object{"content": s}}}
}

func titleOf(page object) string {
	for _, p := range page["properties"].(object) {
		if dig(p, "type") == "title" {
			s, _ := dig(p, "title", 0, "plain_text").(string)
			return s
		}
	}
	return ""
}

func titles(pages []object) []string {
	out := []string{}
	for _, p := range pages {
		out = append(out, titleOf(p))
	}
	return out
}
