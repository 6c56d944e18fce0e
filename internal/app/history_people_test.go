package app_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What people and the website do.

func (h *history) anybody() string { return h.people[h.rng.IntN(len(h.people))] }

var stages = []string{"Lead", "Negotiation", "Won", "Lost"}

func (h *history) anyStage() string { return stages[h.rng.IntN(len(stages))] }

// named is what a property or an option is called now.
func (h *history) named(name string) string {
	if now, ok := h.names[name]; ok {
		return now
	}
	return name
}

func (h *history) newDeal() {
	r := &row{code: fmt.Sprintf("D%02d", len(h.deals)), database: h.crm.Deals.ID}
	now := state{from: time.Now(), stage: h.anyStage(), title: r.code, value: h.rng.IntN(100_000), live: true}
	h.deals = append(h.deals, r)
	r.page = h.notion.AddRow(h.crm.Deals, map[string]any{
		"Deal Name": now.title, h.named("Stage"): h.named(now.stage), "Value": now.value, "Owner": []string{h.anybody()},
	})
	r.add(now)
	h.tell(r.code, "is made in %s", now.stage)
}

func (h *history) newContact() {
	n := h.contacts
	h.contacts++
	code := fmt.Sprintf("C%02d", n)
	h.notion.AddRow(h.crm.Contacts, map[string]any{"Name": code, "Email": code + "@example.com", "Status": "New lead"})
	h.tell(code, "is made by hand")
}

// choose picks a deal that is still there; nil when it is not.
func (h *history) choose() *row {
	r := h.deals[h.rng.IntN(len(h.deals))]
	if r.gone {
		return nil
	}
	return r
}

// move moves a deal, often back and forth.
func (h *history) move() {
	steps, deal := 1+h.rng.IntN(3), h.choose()
	for range steps {
		to, by, gap := h.anyStage(), h.anybody(), h.upTo([]time.Duration{time.Second, 30 * time.Second, 3 * time.Minute}[h.rng.IntN(3)])
		if deal != nil && deal.now().live {
			h.moveTo(deal, by, to)
		}
		time.Sleep(gap)
	}
}

// script moves many deals to one stage within seconds.
func (h *history) script() {
	to, by := h.anyStage(), h.anybody()
	for range 20 {
		if deal := h.choose(); deal != nil && deal.now().live {
			h.moveTo(deal, by, to)
		}
		time.Sleep(h.upTo(300 * time.Millisecond))
	}
}

func (h *history) moveTo(deal *row, by, to string) {
	h.notion.EditRowAs(by, deal.page, map[string]any{h.named("Stage"): h.named(to)})
	deal.change(func(s *state) { s.stage = to })
	h.tell(deal.code, "is moved to %s", to)
}

// edit changes something else of a deal.
func (h *history) edit() {
	what, value, by := h.rng.IntN(3), h.rng.IntN(100_000), h.anybody()
	deal := h.choose()
	if deal == nil || !deal.now().live {
		return
	}
	values := map[string]any{"Owner": []string{by}}
	switch what {
	case 0:
		values = map[string]any{"Value": value}
		deal.change(func(s *state) { s.value = value })
	case 1:
		title := fmt.Sprintf("%s %d", deal.code, value)
		values = map[string]any{"Deal Name": title}
		deal.change(func(s *state) { s.title = title })
	}
	h.notion.EditRowAs(by, deal.page, values)
	h.tell(deal.code, "is edited: %v", values)
}

// trash moves a deal to the trash, or back, or deletes it for good.
func (h *history) trash() {
	purge, deal := h.rng.IntN(8) == 0, h.choose()
	if deal == nil {
		return
	}
	live := !deal.now().live
	deal.gone = purge
	deal.change(func(s *state) { s.live = live && !purge })
	switch {
	case purge:
		h.notion.Purge(deal.page)
		h.tell(deal.code, "is deleted for good")
	case live:
		h.notion.Restore(deal.page)
		h.tell(deal.code, "comes back from the trash")
	default:
		h.notion.Trash(deal.page)
		h.tell(deal.code, "goes into the trash")
	}
}

// rename gives the property or an option another name, or its own again.
func (h *history) rename() {
	what := append([]string{"Stage"}, stages...)[h.rng.IntN(1+len(stages))]
	now := h.named(what)
	to := what
	if now == what {
		to = what + " 2"
	}
	if what == "Stage" {
		h.notion.RenameProperty(h.crm.Deals, now, to)
	} else {
		h.notion.RenameOption(h.crm.Deals, h.named("Stage"), now, to)
		h.renamed[what] = append(h.renamed[what], time.Now())
	}
	h.names[what] = to
	h.tell("", "%s is called %s now", now, to)
}

// lead is what the website sends. It is lost when nobody answers.
func (h *history) lead(alive bool, n int) {
	h.leads++
	if !alive {
		return
	}
	code := fmt.Sprintf("C%02d", n)
	status := h.submit(map[string]string{
		"email": code + "@example.com", "name": code, "message": fmt.Sprintf("message %d", h.leads), "company": fmt.Sprintf("Company %d", h.leads),
	}).Code
	h.tell(code, "sends a lead: %d", status)
}

// customer moves a contact, at times while a lead of theirs is under way.
func (h *history) customer(alive bool) {
	n, by, to := h.rng.IntN(12), h.anybody(), []string{"Customer", "Customer", "Contacted", "Qualified"}[h.rng.IntN(4)]
	before, after, gap := h.rng.IntN(3) == 0, h.rng.IntN(3) == 0, h.upTo(3*time.Second)
	if before {
		h.lead(alive, n)
		time.Sleep(gap)
	}
	if r := h.contact(n); r != nil {
		h.notion.EditRowAs(by, r.page, map[string]any{"Status": to})
		r.change(func(s *state) { s.stage = to })
		h.tell(r.code, "becomes %s", to)
	}
	if after {
		time.Sleep(gap)
		h.lead(alive, n)
	}
}

// contact looks into Notion for a contact, as a person does.
func (h *history) contact(n int) *row {
	code := fmt.Sprintf("C%02d", n)
	for _, live := range h.world.contacts() {
		if !strings.EqualFold(live.Values["Email"], code+"@example.com") {
			continue
		}
		if i := slices.IndexFunc(h.known, func(r *row) bool { return r.page == live.ID }); i >= 0 {
			return h.known[i]
		}
		r := &row{code: code, page: live.ID, database: h.crm.Contacts.ID}
		r.add(state{from: live.CreatedTime, stage: live.Values["Status"], title: live.Values["Name"], live: true})
		h.known = append(h.known, r)
		return r
	}
	return nil
}
