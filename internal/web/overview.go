package web

import "net/http"

func (s *site) overview(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, view{Page: "overview", Title: "Overview"})
}
