package inbound

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Recovered turns a panic of one request into the end of that request: sorry
// answers it.
func Recovered(log *slog.Logger, sorry func(http.ResponseWriter)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if p := recover(); p != nil && p != any(http.ErrAbortHandler) {
					// Neither the value nor the path is logged: they may hold what a person entered.
					log.Error("request panicked", "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
					sorry(w)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}
