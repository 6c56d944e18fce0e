package notion

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// rewrite turns the library's requests, which are of version 2022-06-28, into
// those of 2025-09-03
// (https://developers.notion.com/docs/upgrade-guide-2025-09-03), and makes
// their bodies replayable.
type rewrite struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s rewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readRequest(r)
	if err != nil {
		return nil, err
	}
	out := r.Clone(r.Context())
	if exchangeOf(r.Context()).dataSource {
		out.URL.Path = strings.Replace(out.URL.Path, "/databases/", "/data_sources/", 1)
	}
	if body != nil {
		if body, err = rewriteBody(r, body); err != nil {
			return nil, err
		}
		setBody(out, body)
	}
	return s.next.RoundTrip(out)
}

func readRequest(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return body, nil
}

func setBody(r *http.Request, body []byte) {
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
}

// rewriteBody names the data source as the parent of a new page, gives the
// properties of a new database to its first data source, and strips
// the "archived":false that the library puts into every update: it would take
// a page out of the trash that a person has just put there. A page goes to the
// trash by the name that newer versions have for it.
func rewriteBody(r *http.Request, body []byte) ([]byte, error) {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return nil, fmt.Errorf("rewrite request: %w", err)
	}
	if archived, ok := fields["archived"].(bool); ok && r.Method == http.MethodPatch {
		if delete(fields, "archived"); archived {
			fields["in_trash"] = true
		}
	}
	if parent, ok := fields["parent"].(map[string]any); ok && parent["database_id"] != nil {
		fields["parent"] = map[string]any{"type": "data_source_id", "data_source_id": parent["database_id"]}
	}
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/databases") {
		fields["initial_data_source"] = map[string]any{"properties": fields["properties"]}
		delete(fields, "properties")
	}
	// Without HTML escapes: Notion counts bytes, and "<" would be six of them.
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(fields); err != nil {
		return nil, fmt.Errorf("rewrite request: %w", err)
	}
	return out.Bytes(), nil
}
