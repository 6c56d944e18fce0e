package form

import "strings"

// decodeFramer reads the inputs of a form by name
// (https://www.framer.com/help/articles/framer-form-webhook-setup).
func decodeFramer(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	// The signature covers this header; it is all that tells submissions apart.
	d := draft{id: r.header.Get("Framer-Webhook-Submission-Id")}
	d.addMembers(given, v)
	return d.submission()
}

// decodeWebflow reads a form_submission of the API's version 2
// (https://developers.webflow.com/data/reference/webhooks/events/form-submission).
func decodeWebflow(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	payload := v.get("payload")
	if payload.kind != object {
		return Submission{}, lacking("Webflow", "payload")
	}
	d := draft{
		id:    payload.get("id").text, // of the submission; formId is of the form
		at:    payload.get("submittedAt").text,
		title: payload.get("name").text,
		kind:  v.get("triggerType").text,
	}
	d.addMembers(given, payload.get("data"))
	return d.submission()
}

// decodeFormspree reads a simple webhook
// (https://help.formspree.io/hc/en-us/articles/360015234873-Webhooks). There
// is no id: the same body is the same submission. What begins with _ tells
// Formspree what to do.
func decodeFormspree(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	sent := v.get("submission")
	if sent.kind != object {
		return Submission{}, lacking("Formspree", "submission")
	}
	d := draft{at: sent.get("_date").plain(), title: v.get("form").text}
	for i, name := range sent.members {
		if !strings.HasPrefix(name, "_") || name == "_replyto" {
			d.add(given, name, sent.items[i].plain())
		}
	}
	return d.submission()
}

// decodeOpnForm reads what the webhook integration sends
// (https://github.com/JhumanJ/OpnForm, AbstractIntegrationHandler). It has
// neither an id nor a time, and no retries.
func decodeOpnForm(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	d := draft{title: v.get("form_title").text}
	data := v.get("data")
	for i, id := range data.members {
		d.add(given, data.items[i].get("name").text, data.items[i].get("value").plain(), id)
	}
	if data.kind != object { // what versions of 2023 and before sent
		if v.get("submission").kind != object {
			return Submission{}, lacking("OpnForm", "data")
		}
		d.addMembers(given, v.get("submission"))
	}
	return d.submission()
}

// decodeGoogleForms reads what deploy/google-forms.gs sends.
func decodeGoogleForms(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	fields := v.get("fields")
	if fields.kind != list {
		return Submission{}, lacking("Google Forms", "list of fields")
	}
	d := draft{
		id:    v.get("response_id").text, // the script sends one response under it until it is taken
		at:    v.get("submitted_at").text,
		title: v.get("form").text,
		email: v.get("email").text,
	}
	for _, field := range fields.items {
		d.add(given, field.get("title").text, field.get("value").plain(), field.get("id").plain())
	}
	return d.submission()
}
