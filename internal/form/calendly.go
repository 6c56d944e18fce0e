package form

// decodeCalendly reads what invitees and routing forms send. Who moves an
// appointment is a new invitee
// (https://developer.calendly.com/docs/api-guides/see-how-webhook-payloads-change-when-invitees-reschedule-events).
func decodeCalendly(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	sent := v.get("payload")
	if sent.kind != object {
		return Submission{}, lacking("Calendly", "payload")
	}
	event := sent.get("scheduled_event")
	d := draft{
		id:    calendlyID(v.get("event").text, sent.get("uri").text),
		at:    firstOf(v.get("created_at").text, sent.get("created_at").text),
		title: event.get("name").text,
		kind:  v.get("event").text,
		email: sent.get("email").text,
		name:  firstOf(sent.get("name").text, sent.get("first_name").text+" "+sent.get("last_name").text),
	}
	for _, q := range sent.get("questions_and_answers").items {
		d.add(given, q.get("question").text, q.get("answer").plain(), q.get("question_uuid").text)
	}
	d.add(given, "Phone", sent.get("text_reminder_number").text, "text_reminder_number")
	d.add(hidden, "Start time", event.get("start_time").text, "start_time")
	d.add(hidden, "End time", event.get("end_time").text, "end_time")
	d.add(hidden, "Location", calendlyLocation(event.get("location")), "location")
	d.add(hidden, "Time zone", sent.get("timezone").text, "timezone")
	d.addMembers(hidden, sent.get("tracking"))
	return d.submission()
}

// calendlyID tells apart what is about one invitee: an invitee has one URI
// from the booking to its cancellation.
func calendlyID(kind, uri string) string {
	if uri == "" {
		return ""
	}
	return kind + " " + uri
}

func calendlyLocation(v value) string {
	return firstOf(v.get("join_url").text, v.get("location").text, v.get("type").text)
}
