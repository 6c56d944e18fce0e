package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// restoredFact is when the state was restored from a backup. What was edited
// in Notion before that may have rung before that.
const restoredFact = "restored at"

const (
	// indexLag is how long a query of Notion may not show a page that was
	// just made: the time of the last look that lead takes at one.
	indexLag = 30 * time.Second
	// digestAge is how old a digest may be and still be worth sending twice.
	digestAge = 6 * time.Hour
)

// prepare makes a copy of a backup fit to be started with: what it says is to
// be done may have been done. written is when the state that it replaces was
// last written to.
func prepare(ctx context.Context, o Restoration, scratch string, written time.Time) (forgotten int, err error) {
	db, err := open(ctx, scratch, o.Log)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	provider, err := db.provider()
	if err != nil {
		return 0, err
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if current > known {
		return 0, newerSchema(current, known)
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return up(ctx, provider) }, db.arrange, db.startWriting,
		func(ctx context.Context) error { return db.doubt(ctx, o.Careful, written) },
	} {
		if err := step(ctx); err != nil {
			return 0, err
		}
	}
	if forgotten, err = db.forgetAgain(ctx, filepath.Join(o.Dir, FileName), o.Related); err != nil {
		return 0, err
	}
	if err := db.Close(); err != nil {
		return 0, err
	}
	if _, err := os.Stat(filepath.Join(scratch, FileName+"-wal")); err == nil {
		return 0, errors.New("the restored database is not whole: its log could not be folded in")
	}
	return forgotten, syncFile(filepath.Join(scratch, FileName))
}

// doubt writes down that what waits may have been done:
//   - messages of leads, and rows, are looked for before they are written,
//   - creates are looked up, and no lead goes on before its database was read
//     up to now, nor before queries show what was made last,
//   - alerts that were to be sent are not repeated; digests are, while they
//     are new,
//   - what was edited in Notion until now rings no more,
//   - who was logged in then may have been logged out since.
//
// Whatever does not ring for that is listed as maybe sent.
func (db *DB) doubt(ctx context.Context, careful func(crm.Job) crm.Job, written time.Time) error {
	jobs, err := db.Jobs(ctx, JobFilter{Limit: everyJob})
	if err != nil {
		return err
	}
	return db.write(ctx, func(t *tx) error {
		const reason = "restored from a backup: it may have been sent after that was made"
		return firstError(
			func() error { return t.exec(`update inbox set state = 'noting' where state = 'queued'`) },
			func() error { return t.exec(`update inbox set again = 1 where state in ('held', 'dead', 'dropped')`) },
			func() error { return t.makeCareful(jobs, careful) },
			func() error { return t.exec(`update intents set unsure_at = ?, looks = 0`, t.now) },
			func() error { return t.exec(`update reads set polled_at = 0`) },
			func() error {
				return t.exec(`update imports set state = 'paused', reason = 'the state was restored from a backup' where state = 'running'`)
			},
			func() error {
				return t.exec(`update outbox set state = 'maybe', reason = ? where state in ('queued', 'sending') and (repeat = 0 or created_at < ?)`,
					reason, t.now-digestAge.Milliseconds())
			},
			t.logOut,
			func() error { return t.saveFact(restoredFact, strconv.FormatInt(t.now, 10)) },
			func() error {
				now := time.Now()
				if now.Sub(written) >= indexLag {
					return nil
				}
				if written.After(now) { // by a clock that was ahead
					written = now
				}
				return t.saveFact(pauseFact, written.Add(indexLag).UTC().Format(time.RFC3339Nano))
			},
		)
	})
}

const everyJob = 1 << 30

func (t *tx) makeCareful(jobs []crm.Job, careful func(crm.Job) crm.Job) error {
	for _, j := range jobs {
		if err := t.exec(`update jobs set payload = ? where id = ?`, string(careful(j).Payload), j.ID); err != nil {
			return err
		}
	}
	return nil
}

// mayHaveRung reports whether a message is about a change that the state
// before a restore may have seen as well.
func (t *tx) mayHaveRung(m crm.Message) (bool, error) {
	if m.Change == 0 {
		return false, nil
	}
	return t.row(`select 1 from facts join changes on changes.id = ? where facts.name = ? and changes.edited_at <= cast(facts.value as integer)`,
		[]any{m.Change, restoredFact}, new(int))
}

// forgetAgain forgets who was forgotten since the backup was made, as far as
// the state that is replaced can still tell.
func (db *DB) forgetAgain(ctx context.Context, replaced, related string) (forgotten int, err error) {
	old, secret, err := readForgotten(ctx, replaced)
	if err != nil || len(old) == 0 {
		return 0, nil //nolint:nilerr // a damaged database tells nothing
	}
	var since map[string]bool
	if err := db.write(ctx, func(t *tx) (err error) {
		since, err = t.inherit(old, secret)
		return err
	}); err != nil || len(since) == 0 {
		return 0, err
	}
	emails, err := db.emails(ctx)
	if err != nil {
		return 0, err
	}
	for _, email := range emails {
		if !since[string(secret.hash(ofPerson, email.Key))] {
			continue
		}
		if _, err := db.Forget(ctx, Oblivion{Email: email, Related: related}); err != nil && !errors.Is(err, ErrNotFound) {
			return forgotten, err
		}
		forgotten++
	}
	return forgotten, nil
}

// memory is a row of what was forgotten.
type memory struct {
	hash, person, sealed []byte
	kind                 string
	at                   int64
}

// readForgotten reads what the replaced state remembers of the forgotten.
func readForgotten(ctx context.Context, path string) (found []memory, secret pepper, err error) {
	db, err := sql.Open("sqlite", fileURI(path, "mode=ro&immutable=1"))
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	var text string
	if err := db.QueryRowContext(ctx, `select value from facts where name = ?`, pepperFact).Scan(&text); err != nil {
		return nil, nil, err
	}
	if secret, err = hex.DecodeString(text); err != nil {
		return nil, nil, err
	}
	rows, err := db.QueryContext(ctx, `select hash, person, sealed, kind, at from forgotten`)
	return found, secret, each(rows, err, func(r *sql.Rows) error {
		var m memory
		err := r.Scan(&m.hash, &m.person, &m.sealed, &m.kind, &m.at)
		found = append(found, m)
		return err
	})
}

// inherit takes over what another state remembers of the forgotten, and
// returns the people of whom that is news.
func (t *tx) inherit(old []memory, secret pepper) (people map[string]bool, err error) {
	if err := t.exec(`insert into facts (name, value) values (?, ?) on conflict do nothing`, pepperFact, hex.EncodeToString(secret)); err != nil {
		return nil, err
	}
	own, err := t.anyPepper()
	if err != nil || !bytes.Equal(own, secret) {
		return nil, err // another installation's
	}
	people = map[string]bool{}
	for _, m := range old {
		n, err := t.affected(`insert into forgotten (hash, person, kind, sealed, at) values (?, ?, ?, coalesce(?, x''), ?)
			on conflict (hash) do update set sealed = excluded.sealed, at = excluded.at where excluded.at > at`, m.hash, m.person, m.kind, m.sealed, m.at)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			people[string(m.person)] = true
		}
	}
	return people, nil
}

// emails returns the addresses that are known, by their keys.
func (db *DB) emails(ctx context.Context) (map[string]crm.Email, error) {
	found := map[string]crm.Email{}
	rows, err := db.reader.QueryContext(ctx, `select key from inbox where key <> id union select key from snapshots union select email from people`)
	return found, each(rows, err, func(r *sql.Rows) error {
		var text string
		if err := r.Scan(&text); err != nil {
			return err
		}
		if email, err := crm.ParseEmail(text); err == nil {
			found[email.Key] = email
		}
		return nil
	})
}
