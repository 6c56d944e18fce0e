package web

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/digest"
)

// orderPath is where an order can be followed.
func orderPath(o digest.Order) string {
	q := url.Values{"slot": {o.Slot}}
	if o.Dry {
		q.Set("preview", "1")
	}
	return "/rules/digests/" + url.PathEscape(o.Name) + "?" + q.Encode()
}

// orderOf is the order that an address leads to.
func orderOf(r *http.Request) digest.Order {
	q := r.URL.Query()
	return digest.Order{Name: chi.URLParam(r, "name"), Slot: q.Get("slot"), Dry: q.Has("preview")}
}
