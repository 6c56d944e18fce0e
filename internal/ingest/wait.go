package ingest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const maxWait = 30 * time.Second

// await answers with the outcome of a delivery, when the sender would rather
// wait for it and it comes in time.
func (d desk) await(w http.ResponseWriter, r *http.Request, id string) bool {
	wait := preferredWait(r.Header)
	if wait == 0 || !d.ends(r, id, wait) {
		return false
	}
	result, _, err := d.Inbox.Result(r.Context(), id)
	if err != nil || result.State != crm.DeliveryDone {
		return false
	}
	d.Counted(d.form.Name, "accepted")
	w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait.Seconds())))
	writeJSON(w, http.StatusOK, "application/json", answer{string(result.Outcome), result.Page})
	return true
}

// ends waits until the delivery has come to an end, and reports whether it
// has.
func (d desk) ends(r *http.Request, id string, wait time.Duration) bool {
	select {
	case d.waiting <- struct{}{}:
		defer func() { <-d.waiting }()
	default:
		return false // they must not keep others from being taken
	}
	ended, stop := d.Inbox.Watch(id)
	defer stop()
	if _, over, err := d.Inbox.Result(r.Context(), id); over && err == nil {
		return true // it ended before anybody watched
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
	case <-r.Context().Done():
	case <-d.Draining:
	}
	return false
}

// preferredWait reads "Prefer: wait=N" (RFC 7240), N in seconds.
func preferredWait(h http.Header) time.Duration {
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			seconds, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if strings.EqualFold(strings.TrimSpace(name), "wait") && err == nil && seconds > 0 {
				return min(time.Duration(min(seconds, 60))*time.Second, maxWait)
			}
		}
	}
	return 0
}
