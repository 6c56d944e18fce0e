package store

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// round is one transaction of Forget.
type round struct {
	*tx
	person  *person
	alive   bool           // a daemon runs
	awaited map[int64]bool // jobs that ran at the first round and may write down what they read before
	running int            // jobs that have to end first
	acted   int            // rows that were found and not left alone

	removed, changed map[string]int
	deliveries       []string
	pages, naming    []PageLeft
	sent             []SlackLeft
}

// remove removes what was found, but for jobs that run: they would end beside
// a newer one of the same person.
func (r *round) remove(found []row) error {
	secret, err := r.anyPepper()
	if err != nil {
		return err
	}
	if err := r.await(); err != nil {
		return err
	}
	for id := range r.person.ids {
		if id == r.person.email.Key {
			continue
		}
		if err := r.banish(secret, r.person.email, ofPage, id); err != nil {
			return err
		}
	}
	for _, row := range found {
		if row.table.name == "jobs" && row.own && row.text("state") == string(crm.JobRunning) && r.alive {
			r.running++
			continue
		}
		r.acted++
		r.note(row)
		act := r.redact
		if row.goes() {
			act = r.drop
		}
		if err := act(secret, row); err != nil {
			return err
		}
	}
	return nil
}

// await counts the jobs that make messages and ran when it began: what they
// have read may name the person.
func (r *round) await() error {
	first := r.awaited == nil
	if first {
		r.awaited = map[int64]bool{}
	}
	if !r.alive {
		return nil
	}
	return r.rows(`select id from jobs where state = 'running' and lane = ?`, []any{crm.Notify}, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		if first {
			r.awaited[id] = true
		}
		if r.awaited[id] {
			r.running++
		}
		return err
	})
}

// goes reports whether a row is deleted as a whole: it is the person's, or
// what is left of it without the address would be of no use.
func (r row) goes() bool {
	switch r.table.name {
	case "quarantine", "idempotency", "people", "writes", "changes":
		return true
	}
	return r.own || slices.ContainsFunc(r.names, func(column string) bool { return slices.Contains(r.table.key, column) })
}

// note remembers what is left elsewhere.
func (r *round) note(row row) {
	switch row.table.name {
	case "inbox":
		if row.own {
			r.deliveries = append(r.deliveries, row.text("id"))
		}
	case "snapshots":
		page := PageLeft{ID: row.text("page"), Database: row.text("database"), URL: row.text("url")}
		if row.own {
			r.pages = append(r.pages, page)
		} else {
			r.naming = append(r.naming, page)
		}
	case "outbox":
		at, _ := row.values["sent_at"].(int64)
		if state := crm.MessageState(row.text("state")); state == crm.MessageSent || state == crm.MessageMaybe {
			r.sent = append(r.sent, SlackLeft{row.text("channel"), moment(at)})
		}
	}
}

// drop deletes a row and keeps away what would bring it back.
func (r *round) drop(secret pepper, row row) error {
	where, key := row.where()
	n, err := r.affected(`delete from "`+row.table.name+`" where `+where, key...)
	if err != nil {
		return err
	}
	if n > 0 {
		r.removed[row.table.name]++
	}
	switch row.table.name {
	case "inbox":
		bodies := []string{row.text("body")}
		if first := row.text("original"); first != "" {
			bodies = append(bodies, first)
		}
		for _, body := range bodies {
			hash := sha256.Sum256([]byte(body))
			if err := r.banish(secret, r.person.email, ofBody, row.text("source"), string(hash[:])); err != nil {
				return err
			}
		}
	case "idempotency":
		if source, ok := strings.CutPrefix(row.text("scope"), "key:"); ok {
			return r.banish(secret, r.person.email, ofToken, source, row.text("token"))
		}
	case "people":
		return r.banish(secret, r.person.email, ofMember, row.text("id"))
	case "import_rows":
		id, _ := row.values["import"].(int64)
		return r.forgetImportRow(id)
	case "snapshots":
		if trashed, _ := row.values["trashed"].(int64); trashed == 0 && row.text("key") == r.person.email.Key {
			return r.seal(secret, r.person.email, sealed{row.text("page"), row.text("database")})
		}
	}
	return nil
}

// redact takes the address out of a row that is about somebody else.
func (r *round) redact(_ pepper, row row) error {
	where, key := row.where()
	touched := false
	for _, column := range row.names {
		var value any = string(r.without(row.table.name, column, []byte(row.text(column))))
		if _, isBlob := row.values[column].([]byte); isBlob {
			value = []byte(value.(string))
		}
		n, err := r.affected(`update "`+row.table.name+`" set "`+column+`" = ? where `+where+` and "`+column+`" = ?`,
			slices.Concat([]any{value}, key, []any{row.values[column]})...)
		if err != nil {
			return err
		}
		touched = touched || n > 0
	}
	if touched {
		r.changed[row.table.name]++
	}
	return nil
}

// where picks the row by its primary key.
func (r row) where() (condition string, key []any) {
	var parts []string
	for _, column := range r.table.key {
		parts = append(parts, `"`+column+`" = ?`)
		key = append(key, r.values[column])
	}
	return strings.Join(parts, " and "), key
}

// without returns a value without the address. A page's property goes as a
// whole: when the page is seen next, its value is where the property starts,
// and no change that could ring. A message loses the lines that name it.
func (r *round) without(table, column string, value []byte) []byte {
	email := r.person.email
	var values map[string]json.RawMessage
	switch {
	case table == "snapshots" && column == "property_values" && json.Unmarshal(value, &values) == nil:
		for id, v := range values {
			if len(email.Mentions(v)) > 0 {
				delete(values, id)
			}
		}
		if left, err := json.Marshal(values); err == nil {
			return left
		}
	case table == "outbox" && column == "text":
		var lines [][]byte
		for line := range bytes.Lines(value) {
			if len(email.Mentions(line)) > 0 {
				line = []byte(removed + "\n")
			}
			lines = append(lines, line)
		}
		return bytes.TrimSuffix(bytes.Join(lines, nil), []byte("\n"))
	}
	return email.Redact(value, removed)
}
