package sandbox_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func paragraph(s string) object {
	return object{"object": "block", "type": "paragraph", "paragraph": object{"rich_text": text(s)}}
}

func TestChildrenAreAppendedInOrder(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	body := newPage(crm.Contacts, object{})
	body["children"] = []any{paragraph("one"), object{"divider": object{}}}
	page := c.ok("POST", "/v1/pages", body)
	target := "/v1/blocks/" + page["id"].(string) + "/children"
	out := c.ok("PATCH", target, object{"children": []any{
		object{"heading_2": object{"rich_text": text("two")}},
		object{"callout": object{"rich_text": text("three"), "icon": object{"type": "emoji", "emoji": "💡"}}},
	}})
	if n := len(list(out["results"])); n != 2 {
		t.Errorf("answer of an append: got %d blocks, want the 2 new ones", n)
	}
	first := dig(c.ok("GET", target, nil), "results", 0, "id")
	c.ok("PATCH", target, object{
		"children": []any{paragraph("one and a half")},
		"position": object{"type": "after_block", "after_block": object{"id": first}},
	})
	want := []string{"one", "one and a half", "", "two", "three"}
	if diff := cmp.Diff(want, c.w.Rows(crm.Contacts)[0].Blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	if got := c.ok("GET", "/v1/blocks/"+first.(string), nil); got["type"] != "paragraph" {
		t.Errorf("block: got %v", got)
	}
	if got := c.ok("GET", "/v1/blocks/"+page["id"].(string), nil); got["type"] != "child_page" || got["has_children"] != true {
		t.Errorf("page as block: got %v", got)
	}
}

func TestBadBlocksAreRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	target := "/v1/blocks/" + c.w.AddRow(crm.Contacts, nil) + "/children"
	long := make([]byte, 3094)
	for i := range long {
		long[i] = 'x'
	}
	for _, test := range []struct {
		name    string
		body    object
		message string
	}{
		{"no children", object{}, "body failed validation: body.children should be defined, instead was `undefined`."},
		{"too many", object{"children": make([]any, 101)}, "body failed validation: body.children.length should be ≤ `100`, instead was `101`."},
		{"too long", object{"children": []any{paragraph(string(long))}}, "body failed validation: body.children[0].paragraph.rich_text[0].text.content.length should be ≤ `2000`, instead was `3094`."},
		{"a stray key", object{"children": []any{object{"paragraph": object{"text": text("x")}}}}, "body failed validation: body.children[0].paragraph.text should be not present, instead was `[{\"text\":{\"content\":\"x\"}}]`."},
		{"after, which this version lost", object{"children": []any{}, "after": someID}, "body failed validation: body.after should be not present, instead was `\"" + someID + "\"`."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := *c
			at.t = t
			at.invalid("PATCH", target, test.body, test.message)
		})
	}
}
