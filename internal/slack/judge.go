package slack

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/dealbell/dealbell/internal/crm"
)

// wire is the body of an answer of the Web API
// (https://docs.slack.dev/apis/web-api/#responses).
type wire struct {
	OK     *bool  `json:"ok"`
	Error  string `json:"error"`
	Needed string `json:"needed"` // scopes, with missing_scope
}

// judge returns nil for an answer that says yes, and else what it means.
func judge(e errand, a answer) *Error {
	var w wire
	isJSON := json.Unmarshal(a.body, &w) == nil
	if a.status/100 == 2 && isGood(e, a, w) {
		return nil
	}
	f := &Error{Status: a.status, Reason: word(w.Error)}
	if !isJSON {
		f.Reason = word(string(bytes.TrimSpace(a.body)))
	}
	v := verdictOf(e, a, f.Reason, e != toWebhook && w.OK != nil)
	f.kind, f.Message, f.hint = v.kind, v.message, v.hint
	if f.Reason == reasonScope {
		f.hint = hintScope(e, w.Needed)
	}
	f.readRetryAt(a)
	return f
}

// isGood reports whether an answer says yes. Servers that take Slack's
// webhooks for another chat say it with other capitals, as JSON, or with an
// empty answer; a page does not say it.
func isGood(e errand, a answer, w wire) bool {
	yes := w.OK != nil && *w.OK
	if e != toWebhook || yes {
		return yes
	}
	body := bytes.TrimSpace(a.body)
	switch a.status {
	case http.StatusOK:
		return len(body) == 0 || bytes.EqualFold(body, goodWebhook)
	case http.StatusNoContent:
		return true
	}
	return false
}

// verdictOf judges an answer that is not a yes. fromAPI says that it has the
// form of the Web API's answers.
func verdictOf(e errand, a answer, reason string, fromAPI bool) verdict {
	known, isKnown := meaning(e, reason)
	fromSlack := fromAPI || e == toWebhook && isKnown
	switch {
	case a.status == http.StatusTooManyRequests:
		return verdict{crm.ErrUnavailable, "Slack asks to slow down", ""}
	case a.status/100 == 2 && !fromSlack:
		// Somebody took the request and said yes. Whether it was Slack, or a
		// proxy that passed it on, cannot be told.
		return verdict{e.doubt(), "the answer is not one of Slack's", hintAddressOf(e)}
	case isKnown:
		return known
	case a.status/100 == 2:
		return verdict{crm.ErrInvalid, "Slack refuses it", ""} // {"ok":false} and a reason that we do not know
	case len(a.body) > 0 && reason == "" && a.status/100 == 4:
		// A proxy or a portal answered, so its status says nothing about the
		// webhook or the token.
		return verdict{crm.ErrUnavailable, "the answer is not one of Slack's", hintAddressOf(e)}
	}
	return byStatus(e, a.status)
}

// byStatus judges a status without a reason that we know
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
// A 5xx counts as not posted, so that it is repeated.
func byStatus(e errand, status int) verdict {
	switch {
	case status >= 500:
		return verdict{crm.ErrUnavailable, "Slack has a problem", ""}
	case status/100 == 3:
		return verdict{crm.ErrUnavailable, "the answer is a redirect, which is not followed", hintAddressOf(e)}
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return verdict{crm.ErrForbidden, "Slack does not allow it", hintAddressOf(e)}
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly:
		return verdict{crm.ErrUnavailable, "the request did not get through to Slack", ""}
	}
	return verdict{crm.ErrInvalid, "Slack refuses it", ""}
}

// Reasons are short words in snake case. Anything else that a server says is
// not repeated.
var wordPattern = regexp.MustCompile(`^[a-z]+(?:_[a-z0-9]+)*$`)

const longestWord = 48

func word(s string) string {
	if len(s) <= longestWord && wordPattern.MatchString(s) {
		return s
	}
	return ""
}
