package importer

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/table"
	"github.com/dealbell/dealbell/internal/upsert"
)

// MostRows is how many rows a table may have.
const MostRows = 200_000

// Wish is how somebody wants a table to be brought in.
type Wish struct {
	Schema    crm.Schema
	Key       crm.Property // that identifies a row
	Contacts  bool         // the key is an email, whatever the kind of its property
	Map       []string     // "Column=Property", or "Column=" for none
	Dates     string       // which comes first where nothing tells: dmy or mdy; "" to be told
	Overwrite bool         // the file's values replace those that people set
	Zone      *time.Location
	Secret    secret.String // keys the hashes
}

// Draft is a table as it would be brought in, before it is compared with what
// the database holds.
type Draft struct {
	Format  table.Format
	Columns []Column
	Rows    int // that hold something
	Merged  int // rows that went into an earlier one of the same key
	Rejects []Reject
	File    []byte // identifies the file, and how it is read

	wish   Wish
	habits []habit
	rows   []*draftRow
	byKey  map[string]*draftRow
	byPage map[string]*draftRow // rows of an export, which name their pages
}

// Reject says why a row cannot be brought in.
type Reject struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// draftRow is what the rows of one key want. There may be many: values are
// kept as JSON, which takes a fraction of their memory.
type draftRow struct {
	line     int
	key      string
	wanted   json.RawMessage // property id -> value
	page     string          // that carries the key; "" for none
	others   int             // more pages that do
	replaces int             // values of that page
	outcome  crm.Outcome
}

// NewDraft reads a table twice: how its columns are written, then its rows.
func NewDraft(file io.ReadSeeker, w Wish) (*Draft, error) {
	r, err := reopen(file)
	if err != nil {
		return nil, err
	}
	d := &Draft{Format: r.Format(), wish: w, byKey: map[string]*draftRow{}, byPage: map[string]*draftRow{}}
	if d.Columns, err = mapColumns(r.Header(), w.Schema, w.Key, w.Map); err != nil {
		return nil, err
	}
	if d.File, err = d.identify(r.Sum()); err != nil {
		return nil, err
	}
	d.habits = make([]habit, len(d.Columns))
	if err := each(r, func(row table.Row) error {
		for i, cell := range row.Cells {
			d.habits[i].learn(d.Columns[i].to.Kind, strings.TrimSpace(cell))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for i := range d.habits {
		if err := d.habits[i].settle(d.Columns[i].Name, d.Format.Delimiter, w.Dates); err != nil {
			return nil, err
		}
	}
	if r, err = reopen(file); err != nil {
		return nil, err
	}
	return d, each(r, d.take)
}

func reopen(file io.ReadSeeker) (*table.Reader, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	return table.Open(file)
}

// each calls visit for each row.
func each(r *table.Reader, visit func(table.Row) error) error {
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(row); err != nil {
			return err
		}
	}
}

// identify tells a file, read in the same way, from all others.
func (d *Draft) identify(file [32]byte) ([]byte, error) {
	var to []string
	for _, c := range d.Columns {
		to = append(to, c.to.ID)
	}
	return d.hash("file", file[:], to, d.wish.Schema.Database, d.wish.Key.ID, d.wish.Dates, d.wish.Overwrite)
}

// hash is keyed, so that nobody can try addresses until one fits.
func (d *Draft) hash(what ...any) ([]byte, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return nil, fmt.Errorf("hash row: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(d.wish.Secret.Reveal()))
	mac.Write(text)
	return mac.Sum(nil), nil
}

// take adds one row: it is rejected, the first of its key, or fills what the
// earlier ones left blank.
func (d *Draft) take(row table.Row) error {
	if d.Rows++; d.Rows > MostRows {
		return fmt.Errorf("the file has more than %d rows; split it", MostRows)
	}
	wanted, problems := d.values(row)
	key := observe.Key(wanted[d.wish.Key.ID])
	if row.Extra != nil {
		problems = append([]string{fmt.Sprintf("it has more cells than the header (%d)", len(d.Columns))}, problems...)
	}
	if len(problems) > 0 {
		d.Rejects = append(d.Rejects, Reject{row.Line, strings.Join(problems, "; ")})
		return nil
	}
	own := &draftRow{line: row.Line, key: strings.Clone(key)}
	if i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.Name == PageColumn }); i >= 0 && strings.TrimSpace(row.Cells[i]) != "" {
		if page := crm.NormalID(row.Cells[i]); d.byPage[page] == nil {
			d.byPage[page] = own
			return own.keep(wanted)
		}
	}
	return d.place(own, wanted)
}

// place gives a row its own place, or merges it into the first of its key.
func (d *Draft) place(row *draftRow, wanted map[string]crm.Value) error {
	first, known := d.byKey[row.key]
	switch {
	case row.key == "":
		d.Rejects = append(d.Rejects, Reject{row.line, fmt.Sprintf("%q is empty", d.wish.Key.Name)})
		return nil
	case known:
		d.Merged++
		maps.Copy(wanted, first.values()) // the first of each property counts
	default:
		first = row
		d.byKey[row.key] = row
		d.rows = append(d.rows, row)
	}
	return first.keep(wanted)
}

func (r *draftRow) keep(values map[string]crm.Value) (err error) {
	r.wanted, err = json.Marshal(values) // the keys are sorted, so that equal values give equal bytes
	return err
}

func (r *draftRow) values() map[string]crm.Value {
	values := map[string]crm.Value{}
	_ = json.Unmarshal(r.wanted, &values) // it was made above
	return values
}

// values turns the cells of a row into values, and says what does not fit.
func (d *Draft) values(row table.Row) (wanted map[string]crm.Value, problems []string) {
	wanted = map[string]crm.Value{}
	texts := map[string][]string{} // of properties that several columns make
	for _, i := range d.order() {
		c, cell := d.Columns[i], strings.TrimSpace(row.Cells[i])
		if c.to.ID == "" || cell == "" {
			continue
		}
		if slices.Contains(joined, c.to.Kind) {
			texts[c.to.ID] = append(texts[c.to.ID], cell)
			cell = strings.Join(texts[c.to.ID], " ")
		}
		v, err := d.habits[i].value(c.to, cell, d.wish.Zone)
		if err == nil && d.wish.Contacts && c.to.ID == d.wish.Key.ID {
			v, err = address(c.to, cell)
		}
		if err != nil {
			problems = append(problems, explain(c, err))
			continue
		}
		if !v.Blank() || v.Kind == crm.KindCheckbox {
			wanted[c.to.ID] = v
		}
	}
	return wanted, problems
}

// order lists the columns as they are joined: first names before last names.
func (d *Draft) order() []int {
	order := make([]int, len(d.Columns))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		rank := func(i int) int {
			if isOneOf(d.Columns[i].Name, lastNames) {
				return 1
			}
			return 0
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return order
}

func address(p crm.Property, cell string) (crm.Value, error) {
	email, err := crm.ParseEmail(cell)
	return crm.Text(p.Kind, email.Typed), err
}

func explain(c Column, err error) string {
	if m, ok := errors.AsType[*upsert.MisfitError](err); ok {
		return fmt.Sprintf("%q: expected %s, got %s", c.Name, m.Expected, m.Got)
	}
	return fmt.Sprintf("%q %v", c.Name, err)
}
