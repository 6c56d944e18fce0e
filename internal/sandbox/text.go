package sandbox

import (
	"net/url"
	"strings"
	"unicode/utf16"
)

// run is a stretch of text with one formatting.
type run struct {
	content, link string
	marks         marks
}

type marks struct {
	Bold          bool   `json:"bold"`
	Italic        bool   `json:"italic"`
	Strikethrough bool   `json:"strikethrough"`
	Underline     bool   `json:"underline"`
	Code          bool   `json:"code"`
	Color         string `json:"color"`
}

func runObjects(runs []run) []any {
	out := []any{}
	for _, r := range runs {
		var link, href any
		if r.link != "" {
			link, href = map[string]any{"url": r.link}, r.link
		}
		out = append(out, map[string]any{
			"type": "text", "text": map[string]any{"content": r.content, "link": link},
			"annotations": r.marks, "plain_text": r.content, "href": href,
		})
	}
	return out
}

func plainRuns(runs []run) string {
	var b strings.Builder
	for _, r := range runs {
		b.WriteString(r.content)
	}
	return b.String()
}

func encodeText(v view) any {
	runs, _ := v.value().([]run)
	return runObjects(runs)
}

func textOperand(v view) operand {
	runs, _ := v.value().([]run)
	return textual(plainRuns(runs))
}

func textual(s string) operand { return operand{empty: s == "", text: s} }

// decodeText reads an array of rich text. Only text runs are taken: mentions
// and equations are refused, which Notion would not do.
func decodeText(_ *decoder, at path, raw any) (any, error) {
	items, err := at.list(raw)
	if err != nil {
		return nil, err
	}
	runs := []run{}
	for i, item := range items {
		r, err := decodeRun(at.at(i), item)
		if err != nil {
			return nil, err
		}
		if r.content != "" {
			runs = append(runs, r)
		}
	}
	return runs, nil
}

func decodeRun(at path, raw any) (run, error) {
	obj, err := at.object(raw)
	if err != nil {
		return run{}, err
	}
	if err := at.only(obj, "type", "text", "annotations", "plain_text", "href"); err != nil {
		return run{}, err
	}
	if t, ok := obj["type"]; ok && t != "text" {
		return run{}, at.dot("type").refuse("`\"text\"` in the sandbox", t)
	}
	at = at.dot("text")
	text, err := at.object(lookup(obj, "text"))
	if err != nil {
		return run{}, err
	}
	if err := at.only(text, "content", "link"); err != nil {
		return run{}, err
	}
	content, ok := text["content"].(string)
	if !ok {
		return run{}, at.dot("content").refuse("a string", lookup(text, "content"))
	}
	if err := at.dot("content").dot("length").atMost(2000, codeUnits(content)); err != nil {
		return run{}, err
	}
	out := run{content: content}
	if out.link, err = decodeLink(at.dot("link"), text["link"]); err != nil {
		return run{}, err
	}
	out.marks, err = decodeMarks(at, obj["annotations"])
	return out, err
}

// codeUnits counts as JavaScript does, which is what Notion limits.
func codeUnits(s string) int { return len(utf16.Encode([]rune(s))) }

func decodeLink(at path, raw any) (string, error) {
	if raw == nil {
		return "", nil
	}
	obj, err := at.object(raw)
	if err != nil {
		return "", err
	}
	if err := at.only(obj, "url", "type"); err != nil {
		return "", err
	}
	link, ok := obj["url"].(string)
	if !ok {
		return "", at.dot("url").refuse("a string", lookup(obj, "url"))
	}
	if err := at.dot("url").dot("length").atMost(2000, codeUnits(link)); err != nil {
		return "", err
	}
	if u, err := url.Parse(link); err != nil || u.Scheme == "" && link[:min(1, len(link))] != "/" {
		return "", invalid("Invalid URL for link.")
	}
	return link, nil
}

func decodeMarks(at path, raw any) (marks, error) {
	out := marks{Color: "default"}
	if raw == nil {
		return out, nil
	}
	at = at.dot("annotations")
	obj, err := at.object(raw)
	if err != nil {
		return out, err
	}
	flags := map[string]*bool{
		"bold": &out.Bold, "italic": &out.Italic, "strikethrough": &out.Strikethrough,
		"underline": &out.Underline, "code": &out.Code,
	}
	for _, key := range sortedKeys(obj) {
		switch value := obj[key].(type) {
		case bool:
			if flags[key] == nil {
				return out, at.dot(key).refuse("not present", value)
			}
			*flags[key] = value
		case string:
			if key != "color" {
				return out, at.dot(key).refuse("a boolean", value)
			}
			out.Color = value
		default:
			return out, at.dot(key).refuse("a boolean or a color", value)
		}
	}
	return out, nil
}
