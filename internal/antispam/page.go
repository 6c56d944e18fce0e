package antispam

import (
	"net/http"
	"slices"
)

// Redirect returns the page that a plain post leads to: the wanted one if it
// is in the policy's list, the first one when none is wanted. The address it
// returns is always the policy's own text.
func (p Policy) Redirect(wanted string) (page string, ok bool) {
	i := 0
	if wanted != "" {
		i = slices.Index(p.Thanks, wanted)
	}
	if i < 0 || i >= len(p.Thanks) {
		return "", false
	}
	return p.Thanks[i], true
}

// CORS lets pages of the form's origins, and no others, read an answer; on
// the answer to OPTIONS it lets them post.
func (p Policy) CORS(answer http.Header, origin string) {
	answer.Add("Vary", "Origin")
	if !slices.Contains(p.Origins, origin) {
		return
	}
	answer.Set("Access-Control-Allow-Origin", origin)
	answer.Set("Access-Control-Allow-Methods", "GET, POST")
	answer.Set("Access-Control-Allow-Headers", "Content-Type, Idempotency-Key, "+TokenHeader+", "+WorkHeader)
	answer.Set("Access-Control-Expose-Headers", "Retry-After")
	answer.Set("Access-Control-Max-Age", "86400")
}
