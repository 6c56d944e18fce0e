package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// arguments are the fields of a request to a method, whatever its encoding.
// What is not text is kept as JSON.
type arguments map[string]string

// slackMethod returns the fields of its answer, or an error's word.
type slackMethod struct {
	scope string
	do    func(*Slack, *call, arguments) (map[string]any, string)
}

// methods are what the bot may call, each with the scope it needs.
func methods() map[string]slackMethod {
	return map[string]slackMethod{
		"auth.test":           {"", (*Slack).authTest},
		"chat.postMessage":    {"chat:write", (*Slack).postMessage},
		"conversations.open":  {"im:write", (*Slack).openConversation},
		"users.info":          {"users:read", (*Slack).userInfo},
		"users.lookupByEmail": {"users:read.email", (*Slack).lookupByEmail},
	}
}

// method is a call of the Web API: errors are words in an answer of status 200.
func (s *Slack) method(c *call, r *http.Request, body []byte) reply {
	m, ok := methods()[strings.TrimPrefix(r.URL.Path, "/api/")]
	if !ok {
		return slackRefusal(r, http.StatusOK, "unknown_method")
	}
	args, word := readArguments(r, body)
	if word == "" {
		word = s.authorise(r, args)
	}
	if word != "" {
		return slackRefusal(r, http.StatusOK, word)
	}
	if slices.Contains(s.opts.MissingScopes, m.scope) {
		return apiReply(http.StatusOK, map[string]any{"ok": false, "error": "missing_scope", "needed": m.scope, "provided": ""})
	}
	out, word := m.do(s, c, args)
	switch word {
	case "":
		out["ok"] = true
		return apiReply(http.StatusOK, out)
	case "ratelimited":
		return s.faultReply(RateLimited, 0, r)
	default:
		return slackRefusal(r, http.StatusOK, word)
	}
}

// readArguments reads a query, a form or JSON.
func readArguments(r *http.Request, body []byte) (arguments, string) {
	out := arguments{}
	add := func(values url.Values) {
		for key := range values {
			out[key] = values.Get(key)
		}
	}
	add(r.URL.Query())
	switch mediaType(r) {
	case "application/json":
		var obj map[string]any
		if err := json.Unmarshal(body, &obj); err != nil {
			return nil, "invalid_json"
		}
		delete(obj, "token") // it counts in the header only
		maps.Copy(out, flat(obj))
	case formType:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, "invalid_form_data"
		}
		add(form)
	}
	return out, ""
}

func flat(obj map[string]any) arguments {
	out := arguments{}
	for key, value := range obj {
		if text, ok := value.(string); ok {
			out[key] = text
		} else if b, err := json.Marshal(value); err == nil && value != nil {
			out[key] = string(b)
		}
	}
	return out
}

func (s *Slack) authorise(r *http.Request, args arguments) string {
	token := args["token"]
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	switch token {
	case s.token:
		return ""
	case "":
		return "not_authed"
	default:
		return "invalid_auth"
	}
}

func (s *Slack) authTest(*call, arguments) (map[string]any, string) {
	return map[string]any{
		"url": "https://sandbox.slack.com/", "team": workspaceName, "team_id": s.teamID,
		"user": s.bot.name, "user_id": s.bot.id, "bot_id": "B" + s.bot.id[1:], "is_enterprise_install": false,
	}, ""
}

func (s *Slack) postMessage(c *call, args arguments) (map[string]any, string) {
	to := s.channel(args["channel"])
	if m := s.member(args["channel"]); to == nil && m != nil && m.id == args["channel"] {
		to = s.direct(m)
	}
	if to == nil {
		return nil, "channel_not_found"
	}
	if utf8.RuneCountInString(args["text"]) > maxSlackText {
		return nil, "msg_too_long"
	}
	p := post{text: args["text"], thread: args["thread_ts"]}
	p.attachments = args["attachments"] != "" && args["attachments"] != "[]"
	if blocks := args["blocks"]; blocks != "" && blocks != "[]" {
		p.blocks = json.RawMessage(blocks)
	}
	m, word := s.deliver(to, p, c.now)
	if word != "" {
		return nil, word
	}
	c.wrote = true
	return map[string]any{"channel": to.id, "ts": m.TS, "message": map[string]any{
		"type": "message", "subtype": "bot_message", "text": m.Text, "ts": m.TS, "user": s.bot.id, "bot_id": "B" + s.bot.id[1:],
	}}, ""
}

func (s *Slack) openConversation(_ *call, args arguments) (map[string]any, string) {
	if args["users"] == "" {
		return nil, "users_list_not_supplied"
	}
	m := s.member(args["users"])
	if m == nil || m.id != args["users"] {
		return nil, "user_not_found"
	}
	return map[string]any{"channel": map[string]any{"id": s.direct(m).id}}, ""
}

func (s *Slack) userInfo(_ *call, args arguments) (map[string]any, string) {
	m := s.member(args["user"])
	if m == nil || m.id != args["user"] {
		return nil, "user_not_found"
	}
	return map[string]any{"user": s.userObject(m)}, ""
}

func (s *Slack) lookupByEmail(_ *call, args arguments) (map[string]any, string) {
	m := s.member(args["email"])
	if args["email"] == "" || m == nil || m.email == "" {
		return nil, "users_not_found"
	}
	return map[string]any{"user": s.userObject(m)}, ""
}

func (s *Slack) userObject(m *member) map[string]any {
	first, _, _ := strings.Cut(strings.ToLower(m.name), " ")
	return map[string]any{
		"id": m.id, "team_id": s.teamID, "name": first, "real_name": m.name, "deleted": false, "is_bot": m == s.bot,
		"profile": map[string]any{"real_name": m.name, "display_name": m.name, "email": m.email},
	}
}
