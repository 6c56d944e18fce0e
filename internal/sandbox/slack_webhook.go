package sandbox

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
)

// webhook is POST /services/T…/B…/…, which answers with a word of text.
func (s *Slack) webhook(c *call, r *http.Request, body []byte) reply {
	to := s.hooks[r.URL.Path]
	if to == nil {
		return plainReply(http.StatusNotFound, "no_service")
	}
	p, ok := webhookPost(r, body)
	if r.Method != http.MethodPost || !ok {
		return plainReply(http.StatusBadRequest, "invalid_payload")
	}
	_, word := s.deliver(to, p, c.now)
	switch word {
	case "":
		c.wrote = true
		return plainReply(http.StatusOK, "ok")
	case "is_archived":
		return plainReply(http.StatusGone, "channel_is_archived")
	case "ratelimited":
		return s.faultReply(RateLimited, 0, r)
	default:
		return plainReply(http.StatusBadRequest, word)
	}
}

// webhookPost reads JSON, or a form with JSON in its field "payload".
func webhookPost(r *http.Request, body []byte) (post, bool) {
	if mediaType(r) == formType {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return post{}, false
		}
		body = []byte(form.Get("payload"))
	}
	var in struct {
		Text        any             `json:"text"`
		Blocks      json.RawMessage `json:"blocks"`
		Attachments []any           `json:"attachments"`
		ThreadTS    string          `json:"thread_ts"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return post{}, false
	}
	text, ok := in.Text.(string)
	return post{
		text: text, blocks: in.Blocks, attachments: len(in.Attachments) > 0, thread: in.ThreadTS,
	}, ok || in.Text == nil
}

const formType = "application/x-www-form-urlencoded"

func mediaType(r *http.Request) string {
	name, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return name
}
