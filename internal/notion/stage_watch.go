package notion

import (
	"net/http"
	"time"
)

// watch pauses everybody as soon as the head of a 429 or 529 arrives: while
// its body is read no other request may start. It also compares the clocks.
type watch struct {
	next http.RoundTripper
	gate *gate
}

// RoundTrip implements http.RoundTripper.
func (s watch) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := s.next.RoundTrip(r)
	if err == nil {
		s.gate.compareClocks(sent, time.Now(), resp.Header.Get("Date"))
	}
	if err == nil && throttling(resp.StatusCode) {
		s.gate.throttle(time.Now(), resp.Header)
	}
	return resp, err
}

// statusOverload is Notion's 529 service_overload, which is treated as a 429
// (https://developers.notion.com/reference/request-limits).
const statusOverload = 529

func throttling(status int) bool {
	return status == http.StatusTooManyRequests || status == statusOverload
}
