package notion

import (
	"encoding/json"
	"slices"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// paragraph is one block as it is sent
// (https://developers.notion.com/reference/block#paragraph). Embedding the
// interface makes it a block for the library, whose own types are not used.
type paragraph struct {
	notionapi.Block `json:"-"`
	text            []any
}

// MarshalJSON implements json.Marshaler.
func (p paragraph) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"object": "block", "type": "paragraph", "paragraph": map[string]any{"rich_text": p.text},
	})
}

// paragraphs turns text into blocks. A paragraph longer than Notion takes in
// one block continues in further blocks.
func paragraphs(text []crm.Paragraph) []notionapi.Block {
	var out []notionapi.Block
	for _, p := range text {
		items := []any{}
		for _, r := range p {
			items = append(items, richText(r)...)
		}
		if len(items) == 0 {
			out = append(out, paragraph{text: items})
		}
		for chunk := range slices.Chunk(items, mostRuns) {
			out = append(out, paragraph{text: chunk})
		}
	}
	return out
}

// richText returns a run as rich text items of a length that Notion takes
// (https://developers.notion.com/reference/rich-text). Plain text is sent as
// such: Notion parses no markup in it.
func richText(r crm.Run) []any {
	style := map[string]any{}
	if r.Bold {
		style["bold"] = true
	}
	if r.Gray {
		style["color"] = "gray"
	}
	items := []any{}
	for _, piece := range split(clean(r.Text), longestRun) {
		item := map[string]any{"type": "text", "text": map[string]any{"content": piece}}
		if len(style) > 0 {
			item["annotations"] = style
		}
		items = append(items, item)
	}
	return items
}
