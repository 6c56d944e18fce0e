package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// writeAge is how long a write that nobody has seen may still turn up.
const writeAge = 24 * time.Hour

func (t *tx) saveWrite(w crm.Write) error {
	for property, v := range w.Values {
		value, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := t.exec(`insert into writes (page, property, value, at) values (?, ?, ?, ?)
			on conflict (page, property) do update set value = excluded.value, at = excluded.at`, w.Page, property, string(value), t.now); err != nil {
			return err
		}
	}
	return nil
}

// unwrite forgets writes that were refused.
func (t *tx) unwrite(page string) error { return t.exec(`delete from writes where page = ?`, page) }

// wrote returns what was written to a page and not seen since.
func (t *tx) wrote(page string) (map[string]crm.Value, error) {
	values := map[string]crm.Value{}
	err := t.rows(`select property, value from writes where page = ? and at > ?`, []any{page, t.now - writeAge.Milliseconds()}, func(r *sql.Rows) error {
		var property, value string
		if err := r.Scan(&property, &value); err != nil {
			return err
		}
		var v crm.Value
		err := json.Unmarshal([]byte(value), &v)
		values[property] = v
		return err
	})
	return values, err
}

// saw forgets the writes that are there now; all of them when the page was
// new.
func (t *tx) saw(page string, isNew bool, wrote, now map[string]crm.Value) error {
	for property, v := range wrote {
		if !isNew && !observe.Shows(now[property], v) {
			continue
		}
		if err := t.exec(`delete from writes where page = ? and property = ?`, page, property); err != nil {
			return err
		}
	}
	return nil
}
