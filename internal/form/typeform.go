package form

import "regexp"

// decodeTypeform reads a form_response
// (https://www.typeform.com/developers/webhooks/example-payload/).
func decodeTypeform(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	response := v.get("form_response")
	if response.kind != object {
		return Submission{}, lacking("Typeform", "form_response")
	}
	d := draft{
		// The token is the response's; event_id is the delivery's. A response
		// that was sent in parts has one token for several kinds of event.
		id:    typeformID(v.get("event_type").text, response.get("token").text),
		at:    response.get("submitted_at").text,
		title: response.get("definition", "title").text,
		kind:  v.get("event_type").text,
	}
	titles := map[string]string{}
	typeformTitles(titles, response.get("definition", "fields"))
	for _, a := range response.get("answers").items {
		field, kind := a.get("field"), a.get("type").text
		role := given
		if kind == "email" {
			role = address
		}
		d.add(role, titles[field.get("id").text], typeformAnswer(kind, a.get(kind)), field.get("ref").text, field.get("id").text)
	}
	d.addMembers(hidden, response.get("hidden"))
	for _, variable := range response.get("variables").items {
		d.add(hidden, variable.get("key").text, variable.get(variable.get("type").text).plain())
	}
	return d.submission()
}

func typeformID(kind, token string) string {
	if kind == "form_response" || token == "" {
		return token
	}
	return kind + " " + token
}

// recalled is where a title repeats an earlier answer.
var recalled = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// typeformTitles collects the titles of questions by id, those in groups too.
func typeformTitles(titles map[string]string, fields value) {
	for _, field := range fields.items {
		titles[field.get("id").text] = recalled.ReplaceAllString(field.get("title").text, "…")
		typeformTitles(titles, field.get("properties", "fields"))
	}
}

// typeformAnswer flattens an answer by its type.
func typeformAnswer(kind string, v value) string {
	switch kind {
	case "choice":
		return value{kind: list, items: []value{v.get("label"), v.get("other")}}.plain()
	case "choices":
		return value{kind: list, items: []value{v.get("labels"), v.get("other")}}.plain()
	case "payment":
		return v.get("amount").text
	}
	return v.plain()
}
