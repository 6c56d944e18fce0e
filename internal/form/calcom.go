package form

import "strings"

// decodeCalcom reads a booking or a routing form
// (https://cal.com/docs/developing/guides/automation/webhooks). Some events
// have their content in payload, others, such as MEETING_ENDED, beside it.
func decodeCalcom(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	kind := v.get("triggerEvent").text
	if kind == "" {
		return Submission{}, lacking("Cal.com", "triggerEvent")
	}
	booking := v
	if v.get("payload").kind == object {
		booking = v.get("payload")
	}
	d := draft{
		id:    calcomID(kind, booking.get("uid").text, v.get("createdAt").text),
		at:    v.get("createdAt").text,
		title: firstOf(booking.get("eventTitle").text, booking.get("formName").text, booking.get("title").text),
		kind:  kind,
	}
	if booker := booking.get("attendees"); len(booker.items) > 0 {
		d.name, d.email = booker.items[0].get("name").text, booker.items[0].get("email").text
	}
	d.addResponses(booking.get("responses"))
	for _, part := range [...]struct{ name, key string }{{"Start time", "startTime"}, {"End time", "endTime"}, {"Cancellation reason", "cancellationReason"}} {
		d.add(hidden, part.name, booking.get(part.key).text, part.key)
	}
	return d.submission()
}

// calcomID tells events apart: people who share a slot have one uid, and one
// booking has several events. Whatever repeats an event keeps its createdAt.
func calcomID(kind, uid, createdAt string) string {
	if uid == "" {
		return ""
	}
	return strings.Join([]string{kind, uid, createdAt}, " ")
}

// addResponses takes the answers of a booking, or of a routing form, where
// older versions say value and newer ones response.
func (d *draft) addResponses(responses value) {
	for i, key := range responses.members {
		response := responses.items[i]
		answer := response.get("value")
		if answer.kind == null {
			answer = response.get("response")
		}
		d.add(given, calcomLabel(key, response.get("label").text), calcomAnswer(answer), key)
	}
}

// calcomLabel makes words of the labels that are names of translations, such
// as your_name.
func calcomLabel(key, text string) string {
	if text = firstOf(text, key); text != strings.ToLower(text) || strings.Contains(text, " ") {
		return text
	}
	text = strings.ReplaceAll(text, "_", " ")
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}

// calcomAnswer shortens a location to what was chosen for it, and a choice or
// a name in parts to its text.
func calcomAnswer(v value) string {
	for _, part := range [...]string{"optionValue", "value", "label"} {
		if v.get(part).kind == text && v.get(part).text != "" {
			return v.get(part).text
		}
	}
	if v.get("firstName").kind == text {
		return v.get("firstName").text + " " + v.get("lastName").text
	}
	if v.kind == list {
		parts := []string{}
		for _, item := range v.items {
			parts = appendPart(parts, "", calcomAnswer(item))
		}
		return strings.Join(parts, ", ")
	}
	return v.plain()
}
