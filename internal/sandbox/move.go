package sandbox

import (
	"maps"
	"time"
)

// MoveRow drags a row into another database. Values go along where the new
// database has a property of the same name and type, and the option they name;
// the others are lost. The first person does it.
func (w *Workspace) MoveRow(pageID string, to *Database) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, target := w.mustPage(pageID), w.sources[to.DataSourceID]
	now, by := time.Now(), w.people[0].id
	next := *p.now()
	next.values = w.carried(p, target, by, now)
	next.since, next.edited, next.editedBy = now, now, by
	p.source.remove(p)
	target.lastNumber++
	p.source, p.number, p.states = target, target.lastNumber, []*state{&next}
	target.insert(p)
	w.tell(occurrence{kind: pageMoved, at: now, by: by, page: p})
}

// carried are the values of a row as another data source can hold them. Only
// options need work: they have other ids there.
func (w *Workspace) carried(p *page, target *dataSource, by string, now time.Time) map[string]any {
	out, options := map[string]any{}, map[string]any{}
	for _, was := range p.source.props {
		is := target.named(was.name)
		if was.kind == "title" {
			is = target.title()
		}
		if is == nil || is.kind != was.kind || is.target != was.target {
			continue
		}
		v := view{w: w, page: p, state: p.now(), prop: was}
		switch text := v.plain(); {
		case len(was.options) == 0:
			out[is.id] = v.value()
		case text != "" && (is.kind != "status" || is.optionNamed(text) != nil):
			options[is.name] = text
		}
	}
	maps.Copy(out, w.typed(target, by, now, options))
	return out
}
