package form

import (
	"regexp"
	"slices"
	"strings"
)

// decodeJotform reads the form that Jotform posts: its field rawRequest is
// the submission as JSON, with the names of fields; pretty is a text with
// their labels (https://www.jotform.com/help/245-how-to-setup-a-webhook-with-jotform/).
func decodeJotform(r request) (Submission, error) {
	fields, err := ownFields(r.contentType, r.body)
	if err != nil {
		return Submission{}, err
	}
	part := func(name string) string {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return ""
		}
		return fields[i].Value
	}
	raw, err := parseObject([]byte(part("rawRequest")))
	if err != nil {
		return Submission{}, lacking("Jotform", "rawRequest in JSON")
	}
	d := jotform{draft: draft{
		id:    part("submissionID"), // of the submission, so of all that is sent about it
		title: part("formTitle"),
	}}
	uploads := map[string]value{} // name of a field for files -> what was uploaded
	temporary := raw.get("temp_upload")
	for i, key := range temporary.members {
		uploads[key[strings.IndexByte(key, '_')+1:]] = temporary.items[i]
	}
	for i, key := range raw.members {
		d.addMember(key, raw.items[i], uploads)
	}
	if len(d.answers) <= maxFields {
		d.takeLabels(part("pretty"))
	}
	return d.submission()
}

// jotform is a draft with how Jotform shows each answer.
type jotform struct {
	draft
	shown []string
}

// jotformKey is how a field is called: q3_fullName.
var jotformKey = regexp.MustCompile(`^q[0-9]+_(.+)$`)

// addMember takes the answers among the members of rawRequest: those with a
// number, and the addresses of files, whose fields are listed apart.
func (d *jotform) addMember(key string, v value, uploads map[string]value) {
	if name := jotformKey.FindStringSubmatch(key); name != nil {
		shown := spaced(v)
		if strings.HasPrefix(shown, "data:") { // a drawn signature
			return
		}
		answer := shown // a name or an address has parts, a choice is a list
		if v.kind == list {
			answer = v.plain()
		}
		d.add(given, name[1], answer, key)
		d.shown = append(d.shown, clean(shown))
		return
	}
	if files, ok := uploads[key]; ok {
		d.add(given, key, v.plain())
		d.shown = append(d.shown, fileNames(files))
	}
}

// spaced joins the parts of an answer as Jotform shows them.
func spaced(v value) string {
	var parts []string
	for _, item := range v.items {
		parts = appendPart(parts, "", spaced(item))
	}
	if v.kind == list || v.kind == object {
		return strings.Join(parts, " ")
	}
	return v.text
}

// fileNames reads the names in "brief.pdf#server#id".
func fileNames(uploads value) string {
	var names []string
	for _, upload := range uploads.items {
		name, _, _ := strings.Cut(upload.text, "#")
		names = appendPart(names, "", name)
	}
	return clean(strings.Join(names, " "))
}

// takeLabels finds the labels of answers in a text such as
// "Your name:Ana Silva, Topics, if any:Price Support". Labels and answers may
// contain what separates them, so it goes by the answers, which are known.
func (d *jotform) takeLabels(pretty string) {
	labels, rest, all := make([]string, len(d.answers)), clean(pretty), true
	for i, shown := range d.shown {
		if shown == "" {
			continue
		}
		before, after, ok := cutAnswer(rest, shown)
		if all = all && ok; ok {
			labels[i], rest = before, after
		}
	}
	all = all && rest == ""
	for i, found := range labels {
		if text, ok := labelOf(d.answers[i].Name, found, all); ok {
			d.answers[i].Name, d.answers[i].Keys = text, append(d.answers[i].Keys, d.answers[i].Name)
		}
	}
}

// labelOf decides whether a text is the label of the field. It is if the
// field's name was made of it, or of its end; or else when the whole text has
// been explained and this part looks like one label.
func labelOf(name, found string, all bool) (string, bool) {
	name = fold(name)
	_, end, _ := cutLast(found, ", ")
	for _, text := range [...]string{found, end} {
		if name != "" && strings.HasPrefix(fold(text), name) {
			return text, true
		}
	}
	return found, all && found != "" && !strings.Contains(strings.TrimSuffix(found, ":"), ":")
}

// cutAnswer cuts a text at the first ":answer" that ends it or a part of it.
func cutAnswer(s, answer string) (before, after string, found bool) {
	if before, after, found = strings.Cut(s, ":"+answer+", "); found {
		return before, after, true
	}
	before, found = strings.CutSuffix(s, ":"+answer)
	return before, "", found
}
