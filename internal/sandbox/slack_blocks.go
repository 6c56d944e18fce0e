package sandbox

import (
	"encoding/json"
	"unicode/utf8"
)

const maxBlocks = 50

// validBlocks checks what Slack limits: how many blocks, of which types, with
// texts of which lengths.
func validBlocks(raw json.RawMessage) bool {
	if len(raw) == 0 || string(raw) == "null" {
		return true
	}
	var blocks []map[string]any
	if err := json.Unmarshal(raw, &blocks); err != nil || len(blocks) > maxBlocks {
		return false
	}
	for _, b := range blocks {
		if !validBlock(b) {
			return false
		}
	}
	return true
}

func validBlock(b map[string]any) bool {
	switch b["type"] {
	case "divider", "rich_text":
		return true
	case "section":
		fields, _ := b["fields"].([]any)
		return (len(fields) > 0 || validText(b["text"], 3000, "mrkdwn", "plain_text")) &&
			(b["text"] == nil || validText(b["text"], 3000, "mrkdwn", "plain_text")) &&
			validList(b["fields"], 10, func(f any) bool { return validText(f, 2000, "mrkdwn", "plain_text") })
	case "header":
		return validText(b["text"], 150, "plain_text")
	case "image":
		link, _ := b["image_url"].(string)
		alt, _ := b["alt_text"].(string)
		return link != "" && alt != ""
	case "context":
		return b["elements"] != nil && validList(b["elements"], 10, validContext)
	case "actions":
		return b["elements"] != nil && validList(b["elements"], 25, validButton)
	default:
		return false
	}
}

func validContext(v any) bool {
	obj, _ := v.(map[string]any)
	return obj["type"] == "image" || validText(v, 3000, "mrkdwn", "plain_text")
}

func validButton(v any) bool {
	obj, _ := v.(map[string]any)
	return obj["type"] != "button" || validText(obj["text"], 75, "plain_text")
}

func validText(v any, limit int, kinds ...string) bool {
	obj, _ := v.(map[string]any)
	text, _ := obj["text"].(string)
	n := utf8.RuneCountInString(text)
	if n < 1 || n > limit {
		return false
	}
	for _, kind := range kinds {
		if obj["type"] == kind {
			return true
		}
	}
	return false
}

func validList(v any, limit int, valid func(any) bool) bool {
	items, ok := v.([]any)
	if !ok && v != nil || len(items) > limit {
		return false
	}
	for _, item := range items {
		if !valid(item) {
			return false
		}
	}
	return true
}

// blockTexts collects the texts of blocks in their order.
func blockTexts(v any) []string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			out = append(out, blockTexts(item)...)
		}
	case map[string]any:
		if text, ok := v["text"].(string); ok {
			out = append(out, text)
		}
		for _, key := range []string{"text", "fields", "elements"} {
			if _, isText := v[key].(string); !isText {
				out = append(out, blockTexts(v[key])...)
			}
		}
	}
	return out
}
