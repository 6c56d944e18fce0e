package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// person is somebody of whom everything is looked for.
type person struct {
	email     crm.Email
	ids       map[string]bool // what belongs to the person: the key, deliveries, pages
	spellings map[string]bool // of the address, as they were found
	related   string          // a database whose rows belong to whom they are about
	until     int64           // the newest delivery when it was first looked; -1 before that
	back      bool            // a later delivery came: the person wrote anew meanwhile
}

func newPerson(email crm.Email, related string) *person {
	return &person{
		email: email, ids: map[string]bool{email.Key: true}, spellings: map[string]bool{email.Key: true, email.Typed: true},
		related: related, until: -1,
	}
}

// belongings names the columns that hold one of a person's ids, by table. A
// row of any table, also of one that is not named here, belongs to what is
// known of a person when it names the address.
func belongings() map[string][]string {
	return map[string][]string{
		"inbox": {"id"}, "jobs": {"key"}, "idempotency": {"delivery"}, "intents": {"key"},
		"snapshots": {"page"}, "changes": {"page"}, "steps": {"key", "page"}, "clues": {"page"}, "leftovers": {"page"}, "writes": {"page"}, "outbox": {"page"},
		"import_rows": {"key"}, "import_sums": {"page"},
	}
}

// table is the shape of one table.
type table struct {
	name    string
	columns []string
	key     []string // the primary key
	links   []string // columns of ids
}

// row is one row of any table, by column.
type row struct {
	table  table
	values map[string]any // int64, string, []byte
	own    bool           // it belongs to the person
	names  []string       // columns that name the address
}

func (r row) text(column string) string {
	switch v := r.values[column].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// search finds everything about a person at one moment.
func (db *DB) search(ctx context.Context, p *person) ([]row, error) {
	tx, err := db.reader.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if err := p.gather(ctx, tx); err != nil {
		return nil, fmt.Errorf("look for deliveries and pages: %w", err)
	}
	tables, err := shapes(ctx, tx)
	if err != nil {
		return nil, err
	}
	var found []row
	for _, t := range tables {
		if err := p.scan(ctx, tx, t, func(r row) { found = append(found, r) }); err != nil {
			return nil, fmt.Errorf("look through %s: %w", t.name, err)
		}
	}
	return found, nil
}

// gather finds the ids of what belongs to the person.
func (p *person) gather(ctx context.Context, tx *sql.Tx) error {
	if p.until < 0 {
		if err := tx.QueryRowContext(ctx, `select coalesce(max(seq), 0) from inbox`).Scan(&p.until); err != nil {
			return err
		}
	}
	if err := tx.QueryRowContext(ctx, `select exists (select 1 from inbox where key = ? and seq > ?)`, p.email.Key, p.until).Scan(&p.back); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *sql.Tx) error{p.deliveries, p.pages, p.relations} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	delete(p.ids, "")
	return nil
}

// deliveries finds the person's. One without an email of its own is the
// person's when it names the address.
func (p *person) deliveries(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `select id, page, key = id, case when key = id then body else x'' end
		from inbox where (key = ? or key = id) and seq <= ?`, p.email.Key, p.until)
	return each(rows, err, func(r *sql.Rows) error {
		var id, page string
		var nameless bool
		var body []byte
		if err := r.Scan(&id, &page, &nameless, &body); err != nil {
			return err
		}
		if !nameless || len(p.email.Mentions(body)) > 0 {
			p.ids[id], p.ids[page] = true, true
		}
		return nil
	})
}

// pages finds the pages that carry the address. One that carries another by
// now is another person's, whatever deliveries it got before.
func (p *person) pages(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `select page, key = ? from snapshots where key <> ''`, p.email.Key)
	return each(rows, err, func(r *sql.Rows) error {
		var page string
		var own bool
		err := r.Scan(&page, &own)
		if p.ids[page] = own; !own {
			delete(p.ids, page)
		}
		return err
	})
}

// relations finds the rows of the related database that name one of the ids,
// as activities name their contact and their delivery.
func (p *person) relations(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `select page, property_values from snapshots where database = ? and ? <> ''`, p.related, p.related)
	var found []string
	err = each(rows, err, func(r *sql.Rows) error {
		var page, values string
		err := r.Scan(&page, &values)
		for id := range p.ids {
			if id != "" && strings.Contains(values, `"`+id+`"`) {
				found = append(found, page)
			}
		}
		return err
	})
	for _, page := range found {
		p.ids[page] = true
	}
	return err
}

// scan calls found for each row of a table that is about the person.
func (p *person) scan(ctx context.Context, tx *sql.Tx, t table, found func(row)) error {
	rows, err := tx.QueryContext(ctx, `select "`+strings.Join(t.columns, `", "`)+`" from "`+t.name+`"`)
	values := make([]any, len(t.columns))
	into := make([]any, len(t.columns))
	for i := range values {
		into[i] = &values[i]
	}
	return each(rows, err, func(s *sql.Rows) error {
		if err := s.Scan(into...); err != nil {
			return err
		}
		r := row{table: t, values: make(map[string]any, len(values))}
		for i, column := range t.columns {
			r.values[column] = values[i]
		}
		if p.judge(&r); r.own || len(r.names) > 0 {
			found(r)
		}
		return nil
	})
}

// judge looks whether a row is about the person.
func (p *person) judge(r *row) {
	r.own = slices.ContainsFunc(r.table.links, func(column string) bool {
		id := r.text(column)
		return p.ids[id] || p.ids[id[strings.LastIndexByte(id, ' ')+1:]] // as crm.NewPage writes it
	})
	for _, column := range r.table.columns {
		text := r.text(column)
		if !strings.ContainsAny(text, `@%\`) {
			continue
		}
		mentions := p.email.Mentions([]byte(text))
		for _, m := range mentions {
			p.spellings[m.Typed] = true
		}
		if len(mentions) > 0 {
			r.names = append(r.names, column)
		}
	}
}

// shapes reads the shape of every table.
func shapes(ctx context.Context, tx *sql.Tx) ([]table, error) {
	var tables []table
	links := belongings()
	rows, err := tx.QueryContext(ctx, `select m.name, c.name, c.pk from sqlite_master as m join pragma_table_info(m.name) as c
		where m.type = 'table' and m.name not like 'sqlite_%' and m.name <> '`+versionTable+`' order by m.name, c.cid`)
	return tables, each(rows, err, func(r *sql.Rows) error {
		var name, column string
		var key int
		if err := r.Scan(&name, &column, &key); err != nil {
			return err
		}
		if len(tables) == 0 || tables[len(tables)-1].name != name {
			tables = append(tables, table{name: name, links: links[name]})
		}
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, column)
		if key > 0 {
			t.key = append(t.key, column)
		}
		return nil
	})
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
