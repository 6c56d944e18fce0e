package ingest

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// problem is an answer that refuses a request, in the form of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"` // the field of the form it is about

	retryAfter time.Duration
}

func refuse(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p *problem) about(field string) *problem {
	p.Field = field
	return p
}

func (p *problem) after(wait time.Duration) *problem {
	p.retryAfter = wait
	return p
}

func (p *problem) write(w http.ResponseWriter) {
	p.setRetryAfter(w.Header())
	writeJSON(w, p.Status, "application/problem+json", p)
}

func (p *problem) setRetryAfter(h http.Header) {
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{}`)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone; what was stored is stored
}
