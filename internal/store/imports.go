package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"

	"github.com/dealbell/dealbell/internal/crm"
)

// ErrImporting means that another import of the database runs, or was begun
// after this one.
var ErrImporting = errors.New("another import of the database is under way")

// importBatch is how many rows share a transaction: leads come in between.
const importBatch = 200

// BeginImport stores an import with the rows that are to be written. It takes
// the place of others of its database that do not run, also of one that is
// being stored; ErrImporting says that one runs, or has taken its place.
// Nothing of it is done before [DB.RunImport].
func (db *DB) BeginImport(ctx context.Context, i crm.Import, rows iter.Seq[crm.ImportRow]) (id int64, err error) {
	if err := db.write(ctx, func(tx *tx) error {
		running, err := tx.row(`select id from imports where database = ? and state = 'running'`, []any{i.Database}, &id)
		if running {
			return ErrImporting
		}
		return firstError(
			func() error { return err },
			func() error {
				return tx.exec(`delete from import_rows where import in (select id from imports where database = ?)`, i.Database)
			},
			func() error { return tx.exec(`delete from imports where database = ?`, i.Database) },
			func() error {
				_, err := tx.row(`insert into imports (database, file, property, overwrite, state, size, unchanged, rejected, begun_at)
					values (?, ?, ?, ?, 'storing', ?, ?, ?, ?) returning id`,
					[]any{i.Database, i.File, i.Property, i.Overwrite, i.Rows, i.Unchanged, i.Rejected, tx.now}, &id)
				return err
			},
		)
	}); err != nil {
		return 0, err
	}
	for batch := range batches(rows, importBatch) {
		if err := db.write(ctx, func(tx *tx) error {
			mine, err := tx.row(`select 1 from imports where id = ?`, []any{id}, new(int))
			if err == nil && !mine {
				err = ErrImporting
			}
			return firstError(func() error { return err }, all(batch, func(r crm.ImportRow) error { return tx.saveImportRow(id, r) }))
		}); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// batches yields so many rows at once.
func batches(rows iter.Seq[crm.ImportRow], n int) iter.Seq[[]crm.ImportRow] {
	return func(yield func([]crm.ImportRow) bool) {
		var batch []crm.ImportRow
		for row := range rows {
			if batch = append(batch, row); len(batch) == n {
				if !yield(batch) {
					return
				}
				batch = nil // a write that was given up may still be under way
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

func (t *tx) saveImportRow(id int64, r crm.ImportRow) error {
	wanted, err := json.Marshal(r.Wanted)
	if err != nil {
		return err
	}
	return t.exec(`insert into import_rows (import, line, key, wanted, sum) values (?, ?, ?, ?, ?)`, id, r.Line, r.Key, string(wanted), r.Sum)
}

// RunImport lets an import go on, with the job that works on it. One that is
// done stays so; ErrImporting means that it is there no longer.
func (db *DB) RunImport(ctx context.Context, id int64, job crm.Job) error {
	err := db.write(ctx, func(tx *tx) error {
		var done bool
		found, err := tx.row(`select state = 'done' from imports where id = ?`, []any{id}, &done)
		switch {
		case err != nil || done:
			return err
		case !found:
			return ErrImporting
		}
		return firstError(
			func() error { return tx.exec(`update imports set state = 'running', reason = '' where id = ?`, id) },
			func() error { return tx.enqueue(job) },
			func() error { return tx.finishImport(id) },
		)
	})
	if err == nil && db.writes.follow.Wake != nil {
		db.writes.follow.Wake()
	}
	return err
}

// PauseImport stops one that runs after the rows that are under way.
func (db *DB) PauseImport(ctx context.Context, id int64, reason string) error {
	return db.write(ctx, func(tx *tx) error {
		return tx.exec(`update imports set state = 'paused', reason = ? where id = ? and state = 'running'`, reason, id)
	})
}

func (t *tx) stopImport(s crm.ImportStop) error {
	return t.exec(`update imports set state = 'stopped', reason = ?1 where (id = ?2 or ?2 = 0) and state = 'running'`, s.Reason, s.Import)
}

// EndImport deletes an import and what is left of its rows.
func (db *DB) EndImport(ctx context.Context, id int64) error {
	return db.write(ctx, func(tx *tx) error {
		return firstError(
			func() error { return tx.exec(`delete from import_rows where import = ?`, id) },
			func() error { return tx.exec(`delete from imports where id = ?`, id) },
		)
	})
}

// imported writes down what became of a row. Its values are deleted, unless
// somebody still has to be told why it was refused.
func (t *tx) imported(i crm.Imported) error {
	var sum []byte
	found, err := t.row(`select sum from import_rows where import = ? and line = ? and reason = ''`, []any{i.Import, i.Line}, &sum)
	if err != nil || !found {
		return err
	}
	if i.Outcome == crm.Rejected {
		err = t.exec(`update import_rows set reason = ?, key = '', wanted = '{}', sum = x'' where import = ? and line = ?`, i.Reason, i.Import, i.Line)
	} else {
		err = t.exec(`delete from import_rows where import = ? and line = ?`, i.Import, i.Line)
	}
	return firstError(
		func() error { return err },
		func() error {
			if i.Page == "" {
				return nil
			}
			return t.exec(`insert into import_sums (sum, page, at) values (?, ?, ?)
				on conflict (sum) do update set page = excluded.page, at = excluded.at`, sum, i.Page, t.now)
		},
		func() error {
			return t.exec(`update imports set created = created + (?1 = 'created'), updated = updated + (?1 = 'updated'),
				unchanged = unchanged + (?1 = 'unchanged'), rejected = rejected + (?1 = 'rejected') where id = ?2`, i.Outcome, i.Import)
		},
		func() error { return t.finishImport(i.Import) },
	)
}

// forgetImportRow takes note that a row was deleted for the sake of a person.
func (t *tx) forgetImportRow(id int64) error {
	if err := t.exec(`update imports set size = size - 1 where id = ?`, id); err != nil {
		return err
	}
	return t.finishImport(id)
}

// finishImport ends an import of which no row is left to be written.
func (t *tx) finishImport(id int64) error {
	return t.exec(`update imports set state = 'done', ended_at = ? where id = ? and state not in ('storing', 'done')
		and not exists (select 1 from import_rows where import = ? and reason = '')`, t.now, id, id)
}

const importColumns = `id, database, file, property, overwrite, state, reason, size, created, updated, unchanged, rejected, begun_at`

func (db *DB) anImport(ctx context.Context, where string, arg any) (i crm.Import, found bool, err error) {
	var begun int64
	err = db.reader.QueryRowContext(ctx, `select `+importColumns+` from imports where state <> 'storing' and `+where+` order by id desc limit 1`, arg).
		Scan(&i.ID, &i.Database, &i.File, &i.Property, &i.Overwrite, &i.State, &i.Reason, &i.Rows, &i.Created, &i.Updated, &i.Unchanged, &i.Rejected, &begun)
	if errors.Is(err, sql.ErrNoRows) {
		return i, false, nil
	}
	i.BegunAt = moment(begun)
	return i, err == nil, err
}

// Import returns an import by its number.
func (db *DB) Import(ctx context.Context, id int64) (i crm.Import, found bool, err error) {
	return db.anImport(ctx, `id = ?`, id)
}

// ImportInto returns the newest import of a database.
func (db *DB) ImportInto(ctx context.Context, database string) (i crm.Import, found bool, err error) {
	return db.anImport(ctx, `database = ?`, database)
}

// ImportRow returns a row that is still to be written.
func (db *DB) ImportRow(ctx context.Context, id int64, line int) (r crm.ImportRow, found bool, err error) {
	rows, err := db.importRows(ctx, `import = ? and line = ? and reason = ''`, id, line)
	if err != nil || len(rows) == 0 {
		return r, false, err
	}
	return rows[0], true, nil
}

// ImportRows returns the first rows that are still to be written.
func (db *DB) ImportRows(ctx context.Context, id int64, limit int) ([]crm.ImportRow, error) {
	return db.importRows(ctx, `import = ? and reason = '' order by line limit ?`, id, limit)
}

func (db *DB) importRows(ctx context.Context, where string, args ...any) ([]crm.ImportRow, error) {
	var found []crm.ImportRow
	rows, err := db.reader.QueryContext(ctx, `select import, line, key, wanted, sum from import_rows where `+where, args...)
	return found, each(rows, err, func(s *sql.Rows) error {
		var r crm.ImportRow
		var wanted string
		if err := s.Scan(&r.Import, &r.Line, &r.Key, &wanted, &r.Sum); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(wanted), &r.Wanted)
		found = append(found, r)
		return err
	})
}

// ImportRejects returns why Notion refused rows, by line.
func (db *DB) ImportRejects(ctx context.Context, id int64) (map[int]string, error) {
	found := map[int]string{}
	rows, err := db.reader.QueryContext(ctx, `select line, reason from import_rows where import = ? and reason <> ''`, id)
	return found, each(rows, err, func(s *sql.Rows) error {
		var line int
		var reason string
		err := s.Scan(&line, &reason)
		found[line] = reason
		return err
	})
}

// ImportedPage returns the page that a row was written to before, by its sum;
// "" when it was not, or the page is in the trash or gone.
func (db *DB) ImportedPage(ctx context.Context, sum []byte) (page string, err error) {
	err = db.reader.QueryRowContext(ctx, `select s.page from import_sums as s join snapshots as p on p.page = s.page
		where s.sum = ? and p.trashed = 0`, sum).Scan(&page)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return page, err
}
