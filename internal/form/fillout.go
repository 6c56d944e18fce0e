package form

// decodeFillout reads a submission; webhooks made by its API send it bare,
// those made by hand as a member (https://fillout.com/help/webhook).
func decodeFillout(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	sent := v
	if v.get("submission").kind == object {
		sent = v.get("submission")
	}
	if sent.get("questions").kind != list {
		return Submission{}, lacking("Fillout", "list of questions")
	}
	d := draft{
		id:    sent.get("submissionId").text,
		at:    sent.get("submissionTime").text,
		title: v.get("formName").text,
		email: sent.get("login", "email").text,
	}
	for _, part := range [...]struct {
		name string
		role role
	}{{"questions", given}, {"urlParameters", hidden}, {"calculations", hidden}} {
		for _, q := range sent.get(part.name).items {
			role := part.role
			if q.get("type").text == "EmailInput" {
				role = address
			}
			d.add(role, q.get("name").text, q.get("value").plain(), q.get("id").text)
		}
	}
	d.addAppointments(sent)
	return d.submission()
}

// addAppointments takes what was booked or paid within a form. It may be all
// that says who it was.
func (d *draft) addAppointments(sent value) {
	for _, booking := range sent.get("scheduling").items {
		v, name := booking.get("value"), booking.get("name").text
		d.add(given, name, v.get("eventStartTime").text, booking.get("id").text)
		d.name, d.email = firstOf(d.name, v.get("fullName").text), firstOf(d.email, v.get("email").text)
	}
	for _, payment := range sent.get("payments").items {
		v, name := payment.get("value"), payment.get("name").text
		d.add(given, name, v.get("status").text+" "+v.get("totalAmount").text+" "+v.get("currency").text, payment.get("id").text)
		d.email = firstOf(d.email, v.get("email").text)
	}
}
