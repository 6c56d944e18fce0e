package form

// decodeTally reads a FORM_RESPONSE (https://tally.so/help/webhooks).
func decodeTally(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	data := v.get("data")
	if data.kind != object {
		return Submission{}, lacking("Tally", "data")
	}
	d := draft{
		// A failed event is sent again under its id
		// (https://developers.tally.so/api-reference/endpoint/webhooks/events/retry).
		id:    v.get("eventId").text,
		at:    firstOf(data.get("createdAt").text, v.get("createdAt").text),
		title: data.get("formName").text,
		kind:  v.get("eventType").text,
	}
	lists := map[string]bool{} // keys of fields that list their options
	for _, field := range data.get("fields").items {
		key := field.get("key").text
		if field.get("options").kind == list {
			lists[key] = true
		}
		if group, _, ok := cutLast(key, "_"); ok && lists[group] && field.get("value").kind == boolean {
			continue // each option of a checkbox comes again as yes or no
		}
		d.add(tallyRole(field.get("type").text), field.get("label").text, tallyValue(field), key)
	}
	return d.submission()
}

func tallyRole(kind string) role {
	switch kind {
	case "INPUT_EMAIL":
		return address
	case "HIDDEN_FIELDS", "CALCULATED_FIELDS", "PAYMENT":
		return hidden
	}
	return given
}

// tallyValue replaces the ids of options, rows and columns by their texts.
func tallyValue(field value) string {
	texts := map[string]string{}
	for _, part := range [...]string{"options", "rows", "columns"} {
		for _, option := range field.get(part).items {
			texts[option.get("id").text] = option.get("text").text
		}
	}
	return withTexts(field.get("value"), texts).plain()
}

// withTexts replaces what is in texts, in lists and in names of objects too.
func withTexts(v value, texts map[string]string) value {
	if len(texts) == 0 {
		return v
	}
	known := func(id string) string {
		if t, ok := texts[id]; ok {
			return t
		}
		return id
	}
	w := value{kind: v.kind, text: v.text}
	if v.kind == text {
		w.text = known(v.text)
	}
	for i, item := range v.items {
		if v.kind == object {
			w.members = append(w.members, known(v.members[i]))
		}
		w.items = append(w.items, withTexts(item, texts))
	}
	return w
}
