package setup

import (
	"fmt"
	"strconv"

	"github.com/dealbell/dealbell/internal/crm"
)

// setting is one key of the configuration file with its value, or a mapping
// of further ones.
type setting struct {
	key     string
	value   string // in YAML; "" for a mapping
	comment string
	inner   []setting
	text    bool // a text that nobody changes but who wrote it
}

// Answers are what the configuration file is made from.
type Answers struct {
	Databases map[Role]crm.Schema // those that are used
	Mapping   Mapping
	Site      string // origin of the pages that hold a form; "" for none

	written Mapping // what the file said before
}

// settings are what differs from the standard CRM.
func (a Answers) settings() []setting {
	var all []setting
	add := func(key, comment string, inner []setting) {
		if len(inner) > 0 {
			all = append(all, setting{key: key, comment: comment, inner: inner})
		}
	}
	add("lead", "", a.lead())
	if a.Site != "" {
		add("forms", "", []setting{{key: "contact", comment: "the form on your pages; see deploy/form.html", inner: []setting{
			{key: "browser", value: "true"}, {key: "origins", value: list(a.Site), comment: "sites that may show it"},
		}}})
	}
	add("rules", "what rings in Slack", a.rules())
	add("digests", "", a.digests())
	return all
}

// has says whether a database of a role has a property called so.
func (a Answers) has(role Role, name string) bool {
	_, ok := a.Databases[role].Property(name)
	return ok
}

func (a Answers) lead() []setting {
	var all, fields, activity []setting
	if key := a.Mapping[SlotEmail]; a.differs(SlotEmail) && key != "" {
		all = append(all, setting{key: "key", value: quote(key), comment: "the property that identifies a contact"})
	}
	for _, f := range []struct {
		field string
		slot  Slot
	}{{"name", SlotName}, {"company", SlotCompany}, {"message", SlotNotes}, {"utm_source", SlotSource}} {
		if f.slot == SlotName && a.titled() || !a.differs(f.slot) {
			continue
		}
		fields = append(fields, setting{key: f.field, value: quote(a.Mapping[f.slot])})
	}
	if len(fields) > 0 {
		all = append(all, setting{key: "fields", comment: "field of the form: property", inner: fields})
	}
	if initial := a.initial(); len(initial) > 0 {
		all = append(all, setting{key: "initial", comment: "what a new contact starts with", inner: initial})
	}
	if a.differs(SlotTouched) {
		all = append(all, setting{key: "last_contacted", value: quote(a.Mapping[SlotTouched]), comment: "gets the day of the last submission"})
	}
	for _, f := range []struct {
		key  string
		slot Slot
	}{{"type", SlotType}, {"at", SlotAt}, {"details", SlotDetails}, {"contact", SlotContact}, {"id", SlotDealbellID}} {
		if a.Mapping[f.slot] != "" && a.differs(f.slot) {
			activity = append(activity, setting{key: f.key, value: quote(a.Mapping[f.slot])})
		}
	}
	if len(activity) > 0 {
		all = append(all, setting{key: "activity", comment: "properties of " + a.Databases[Activities].Name, inner: activity})
	}
	return all
}

// differs says whether a slot is taken by something else than its name says.
// A slot that nothing takes differs where something has its name; elsewhere
// Dealbell finds out by itself that there is nothing. What a file says
// otherwise always has to be said.
func (a Answers) differs(slot Slot) bool {
	name, role := a.Mapping[slot], slot.Role()
	if was, ok := a.written[slot]; ok && !crm.SameName(was, name) {
		return true
	}
	if name == "" {
		return a.has(role, slot.Name())
	}
	return !crm.SameName(name, slot.Name())
}

// titled says whether the name goes where Dealbell puts it without being told:
// into the title, unless something else is called Name.
func (a Answers) titled() bool {
	s := a.Databases[Contacts]
	p, ok := s.Property(SlotName.Name())
	return a.Mapping[SlotName] == s.Title().Name && (!ok || p.Kind == crm.KindTitle)
}

func (a Answers) initial() []setting {
	status, option := a.Mapping[SlotStatus], a.Mapping[SlotNewLead]
	standard := crm.SameName(status, SlotStatus.Name())
	switch {
	case standard && option != "" && !a.differs(SlotNewLead):
		return nil
	case standard:
		return []setting{{key: SlotStatus.Name(), value: quote(option)}}
	}
	var all []setting
	if a.has(Contacts, SlotStatus.Name()) || status != "" { // what the standard says does not count
		all = append(all, setting{key: SlotStatus.Name(), value: quote("")})
	}
	if status != "" && option != "" {
		all = append(all, setting{key: status, value: quote(option)})
	}
	return all
}

// ruleTexts are how the standard rules begin; see package rules.
var ruleTexts = []struct {
	name  string
	slot  Slot
	head  string
	owner bool
}{
	{"won", SlotWon, "🎉 Deal won:", false},
	{"lost", SlotLost, "💔 Deal lost:", false},
	{"negotiation", SlotNegotiation, "🤝 In negotiation:", true},
}

func (a Answers) rules() []setting {
	if _, used := a.Databases[Deals]; !used {
		return nil
	}
	var all []setting
	for _, r := range ruleTexts {
		option := a.Mapping[r.slot]
		if option == "" || a.Mapping[SlotStage] == "" {
			all = append(all, setting{key: r.name, inner: []setting{{key: "off", value: "true", comment: "no stage says so"}}})
			continue
		}
		var when, inner []setting
		if a.differs(SlotStage) {
			when = append(when, setting{key: "property", value: quote(a.Mapping[SlotStage])})
		}
		if a.differs(SlotStage) || a.differs(r.slot) {
			when = append(when, setting{key: "becomes", value: quote(option)})
		}
		if len(when) > 0 {
			inner = append(inner, setting{key: "when", inner: when})
		}
		if a.Mapping[SlotValue] == "" || a.differs(SlotValue) || r.owner && (a.Mapping[SlotOwner] == "" || a.differs(SlotOwner)) {
			inner = append(inner, setting{key: "text", value: quote(a.ruleText(r.head, r.owner)), text: true})
		}
		if len(inner) > 0 {
			all = append(all, setting{key: r.name, inner: inner})
		}
	}
	return all
}

func (a Answers) ruleText(head string, owner bool) string {
	text := head + " *{{title}}*"
	if value := a.Mapping[SlotValue]; value != "" {
		text += ` — {{money (prop ` + strconv.Quote(value) + `)}}`
	}
	if name := a.Mapping[SlotOwner]; owner && name != "" {
		text += ` {{mention (prop ` + strconv.Quote(name) + `)}}`
	}
	return text
}

func (a Answers) digests() []setting {
	var all []setting
	if stale := a.stale(); len(stale) > 0 {
		all = append(all, setting{key: "stale-leads", comment: "leads that nobody has contacted for 30 days", inner: stale})
	}
	var pipeline []setting
	if _, used := a.Databases[Deals]; !used || a.Mapping[SlotStage] == "" {
		return all
	}
	if a.differs(SlotStage) {
		pipeline = append(pipeline, setting{key: "stage", value: quote(a.Mapping[SlotStage])})
	}
	if value := a.Mapping[SlotValue]; value != "" && a.differs(SlotValue) {
		pipeline = append(pipeline, setting{key: "value", value: quote(value)})
	}
	if won, lost := a.Mapping[SlotWon], a.Mapping[SlotLost]; won != "" && lost != "" && (a.differs(SlotWon) || a.differs(SlotLost)) {
		pipeline = append(pipeline, setting{key: "closed", value: list(won, lost), comment: "stages in which a deal is over"})
	}
	if len(pipeline) > 0 {
		all = append(all, setting{key: "pipeline", comment: "off: false switches it on", inner: pipeline})
	}
	return all
}

// stale rewrites the digest of leads that nobody has contacted, where its
// properties are called otherwise.
func (a Answers) stale() []setting {
	email, status, option, touched := a.Mapping[SlotEmail], a.Mapping[SlotStatus], a.Mapping[SlotNewLead], a.Mapping[SlotTouched]
	if status == "" || option == "" {
		return []setting{{key: "off", value: "true", comment: "no status tells new leads"}}
	}
	fits := true
	for _, slot := range []Slot{SlotEmail, SlotStatus, SlotNewLead, SlotTouched} {
		fits = fits && !a.differs(slot) && a.Mapping[slot] != ""
	}
	if fits {
		return nil
	}
	since, line := "created()", "{{date created}}"
	if touched != "" {
		since = fmt.Sprintf("prop(%s) ?? created()", strconv.Quote(touched))
		line = fmt.Sprintf("{{date (default (prop %s) created)}}", strconv.Quote(touched))
	}
	all := []setting{
		{key: "filter", value: quote(fmt.Sprintf("prop(%s) == %s and days_since(%s) >= 30", strconv.Quote(status), strconv.Quote(option), since)), text: true},
	}
	if touched != "" {
		all = append(all, setting{key: "sort", value: quote(touched + " ?? created()"), text: true})
	} else {
		all = append(all, setting{key: "sort", value: quote("created()"), text: true})
	}
	return append(all, setting{
		key: "line", value: quote(fmt.Sprintf("• *{{title}}* ({{prop %s}}) — last touched %s", strconv.Quote(email), line)), text: true,
	})
}
