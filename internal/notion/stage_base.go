package notion

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/dealbell/dealbell/internal/secret"
)

// apiVersion is the version we speak
// (https://developers.notion.com/reference/versioning). With an older one
// everything fails for a database once somebody adds a second data source.
const apiVersion = "2025-09-03"

// base sends requests to the configured server, with the token.
type base struct {
	next   http.RoundTripper
	target *url.URL
	token  secret.String
}

// RoundTrip implements http.RoundTripper.
func (s base) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.Host = s.target.Scheme, s.target.Host, ""
	out.URL.Path = strings.TrimRight(s.target.Path, "/") + r.URL.Path
	out.URL.RawPath = strings.TrimRight(s.target.EscapedPath(), "/") + r.URL.EscapedPath()
	out.Header.Set("Authorization", "Bearer "+s.token.Reveal())
	out.Header.Set("Notion-Version", apiVersion)
	out.Header.Set("User-Agent", "dealbell (+https://github.com/dealbell/dealbell)")
	return s.next.RoundTrip(out)
}
