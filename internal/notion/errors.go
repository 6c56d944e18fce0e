package notion

import (
	"cmp"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Error is a call that failed. It wraps one of the sentinels of package crm,
// which says what the failure means; the fields are what Notion said
// (https://developers.notion.com/reference/status-codes).
type Error struct {
	Op        string // what was tried, such as "update page 1234"
	Status    int    // HTTP status, 0 when there was no answer
	Code      string // Notion's error code, "" when the answer is not Notion's
	Message   string // why, without values that a person entered
	RequestID string // for Notion's support
	Reason    string // additional_data.rate_limit_reason or .block_limit

	quoted    bool  // the message is the server's
	kind      error // a crm sentinel
	cause     error // of the network or the context, may be nil
	retryAt   time.Time
	committed string // id of the page that exists in spite of the error
	saved     bool   // Notion says that the write is done
	outcome   outcome
}

// Error says what was tried, why it failed, and what to quote to support.
func (e *Error) Error() string {
	var details []string
	for _, d := range []string{e.Code, e.Reason} {
		if d != "" {
			details = append(details, d)
		}
	}
	if e.Status != 0 {
		details = append(details, strconv.Itoa(e.Status))
	}
	if e.RequestID != "" {
		details = append(details, "request "+e.RequestID)
	}
	text := cmp.Or(e.Op, "ask notion") + ": " + cmp.Or(e.Message, http.StatusText(e.Status), "no reason given")
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

// brief is the error without what the server says: in the reason of a job it
// helps, in a log it could repeat what a person entered.
func (e *Error) brief() string {
	short := *e
	if e.quoted {
		short.Message = ""
	}
	return short.Error()
}

// told is what Error ends with: codes, the status and Notion's number of the
// request.
var told = regexp.MustCompile(`\((?:[A-Za-z0-9_-]+, )*[1-5]\d\d(?:, request [A-Za-z0-9_-]+)?\)`)

// Brief is the reason of a job for strangers: where Notion gave it, its codes
// without its words, which may repeat what a person entered.
func Brief(reason string) string {
	if found := told.FindAllString(reason, -1); len(found) > 0 {
		return "Notion answered " + strings.Trim(found[len(found)-1], "()")
	}
	return reason
}

// Unwrap returns the sentinel of package crm, and the cause when there is one.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// RetryAt returns when the call may be made again, when that is known.
func (e *Error) RetryAt() (time.Time, bool) { return e.retryAt, !e.retryAt.IsZero() }

// CommittedID returns the id of the page that was made all the same.
func (e *Error) CommittedID() (string, bool) { return e.committed, e.committed != "" }

// invalid is a value that is refused before it is sent.
func invalid(message string) *Error { return &Error{Message: message, kind: crm.ErrInvalid} }

// longestMessage keeps a hostile or broken server out of the logs.
const longestMessage = 500

// Notion repeats in its messages what it was sent. Those values are personal.
var (
	echoedText   = regexp.MustCompile("instead was `\"(?:[^\"\\\\]|\\\\.)*\"`")
	echoedOther  = regexp.MustCompile("(?s)instead was `[\"{\\[].*$")
	emailInText  = regexp.MustCompile("[^\\s\"'`<>(),:;@]+@[^\\s\"'`<>(),:;@]+")
	unprintables = regexp.MustCompile(`[\s\p{C}]+`)
)

// discreet removes from a server's words what may not be logged.
func discreet(s string) string {
	s = echoedText.ReplaceAllString(s, "instead was another text")
	s = echoedOther.ReplaceAllString(s, "instead was something else")
	s = emailInText.ReplaceAllString(s, "«email»")
	s = unprintables.ReplaceAllString(strings.ToValidUTF8(s, "?"), " ")
	return shorten(strings.TrimSpace(s), longestMessage)
}

var wordPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// word returns s when it is a code or an id, and "" when it is anything else.
func word(s string) string {
	if wordPattern.MatchString(s) {
		return s
	}
	return ""
}

// shorten cuts s to at most limit UTF-16 code units.
func shorten(s string, limit int) string {
	if pieces := split(s, limit); len(pieces) > 1 {
		return pieces[0] + "…"
	}
	return s
}
