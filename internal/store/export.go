package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/crm"
)

// Export is everything that is kept about a person.
type Export struct {
	Email     string    `json:"email"`     // the form by which contacts are compared
	Spellings []string  `json:"spellings"` // in which it was found
	At        time.Time `json:"exported_at"`
	// Tables holds the rows by table, each by column. What a page shows is
	// listed once more by the names of its properties, and a body once more
	// byte for byte.
	Tables map[string][]map[string]any `json:"tables"`
}

// Export collects what is kept about a person: what belongs to the deliveries
// and pages of the address, and every row of any table that names it. Rows of
// the related database belong to the contact that they name. ErrNotFound
// means that there is nothing.
func (db *DB) Export(ctx context.Context, email crm.Email, related string) (Export, error) {
	p := newPerson(email, related)
	rows, err := db.search(ctx, p)
	if err != nil {
		return Export{}, err
	}
	if len(rows) == 0 {
		return Export{}, ErrNotFound
	}
	e := Export{Email: email.Key, Spellings: sortedKeys(p.spellings), At: time.Now().UTC(), Tables: map[string][]map[string]any{}}
	for _, r := range rows {
		shown, err := db.show(ctx, r)
		if err != nil {
			return Export{}, err
		}
		e.Tables[r.table.name] = append(e.Tables[r.table.name], shown)
	}
	return e, nil
}

// show makes a row readable.
func (db *DB) show(ctx context.Context, r row) (map[string]any, error) {
	shown := map[string]any{}
	for column, v := range r.values {
		switch v := v.(type) {
		case int64:
			switch {
			case !isTime(column):
				shown[column] = v
			case v != 0:
				shown[column] = moment(v)
			}
		case []byte:
			shown[column+"_base64"] = base64.StdEncoding.EncodeToString(v)
			if utf8.Valid(v) {
				shown[column] = string(v)
			}
		case string:
			if shown[column] = v; isJSON(v) {
				shown[column] = json.RawMessage(v)
			}
		}
	}
	return shown, db.name(ctx, r, shown)
}

func isTime(column string) bool {
	return column == "at" || column == "not_before" || strings.HasSuffix(column, "_at")
}

func isJSON(s string) bool {
	return (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) && json.Valid([]byte(s))
}

// name adds the names that properties have, where only their ids are kept.
func (db *DB) name(ctx context.Context, r row, shown map[string]any) error {
	if !slices.Contains(r.table.columns, "database") {
		return nil
	}
	schema, _, err := db.Schema(ctx, r.text("database"))
	if err != nil {
		return err
	}
	if p, ok := schema.PropertyByID(r.text("property")); ok {
		shown["property_name"] = p.Name
	}
	if !slices.Contains(r.table.columns, "property_values") {
		return nil
	}
	var values map[string]crm.Value
	if err := json.Unmarshal([]byte(r.text("property_values")), &values); err != nil {
		return errors.Join(errors.New("read the values of page "+r.text("page")), err)
	}
	named := map[string]string{}
	for id, v := range values {
		if p, ok := schema.PropertyByID(id); ok {
			named[p.Name] = v.String()
		}
	}
	shown["properties"] = named
	return nil
}
