package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// What somebody who was forgotten left behind must not come back: a website
// that sends the same delivery again, a poll that lists the page. It is known
// by hashes alone, keyed with a secret of this state directory.
const (
	ofBody   = "body"   // a source and the hash of a body
	ofToken  = "key"    // a source and an Idempotency-Key
	ofPage   = "page"   // the id of a page
	ofMember = "member" // the id of a member of the workspace
	ofPerson = "person" // the key of an email
)

const pepperFact = "pepper"

// pepper keys the hashes.
type pepper []byte

func (p pepper) hash(kind string, parts ...string) []byte {
	mac := hmac.New(sha256.New, p)
	mac.Write([]byte(kind + "\x00" + strings.Join(parts, "\x00")))
	return mac.Sum(nil)
}

// pepper returns the secret; nil as long as nobody was forgotten.
func (t *tx) pepper() (pepper, error) {
	var text string
	found, err := t.row(`select value from facts where name = ? and exists (select 1 from forgotten)`, []any{pepperFact}, &text)
	if err != nil || !found {
		return nil, err
	}
	return hex.DecodeString(text)
}

// anyPepper returns the secret, and makes it when there is none.
func (t *tx) anyPepper() (pepper, error) {
	fresh := make([]byte, sha256.Size)
	if _, err := rand.Read(fresh); err != nil {
		return nil, err
	}
	if err := t.exec(`insert into facts (name, value) values (?, ?) on conflict do nothing`, pepperFact, hex.EncodeToString(fresh)); err != nil {
		return nil, err
	}
	var text string
	if _, err := t.row(`select value from facts where name = ?`, []any{pepperFact}, &text); err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}

// banish keeps something of a person away.
func (t *tx) banish(p pepper, person crm.Email, kind string, parts ...string) error {
	return t.exec(`insert into forgotten (hash, person, kind, sealed, at) values (?, ?, ?, x'', ?)
		on conflict (hash) do update set person = excluded.person, at = excluded.at`,
		p.hash(kind, parts...), p.hash(ofPerson, person.Key), kind, t.now)
}

// sealed is what is kept of a contact's page for the day on which the person
// writes anew: only who knows the email can read it.
type sealed struct{ Page, Database string }

// seal keeps a page away that was banished, and lets consent find it again.
func (t *tx) seal(p pepper, person crm.Email, s sealed) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	box, err := p.box(person.Key)
	if err != nil {
		return err
	}
	closed := box.Seal(nil, nil, text, nil) //nolint:gosec // it makes a nonce for each
	return t.exec(`update forgotten set sealed = ? where hash = ?`, closed, p.hash(ofPage, s.Page))
}

func (p pepper) box(key string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(p.hash("seal", key))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// banished returns whose something is that was forgotten; nil when it was not.
func (t *tx) banished(p pepper, kind string, parts ...string) (person []byte, err error) {
	if p == nil {
		return nil, nil
	}
	_, err = t.row(`select person from forgotten where hash = ?`, []any{p.hash(kind, parts...)}, &person)
	return person, err
}

// forgottenID returns the id to answer with when a delivery was forgotten and
// is sent again; "" when it was not. It is the same each time and tells
// nothing.
func (t *tx) forgottenID(in Intake, body []byte) (string, error) {
	p, err := t.pepper()
	if err != nil || p == nil {
		return "", err
	}
	for _, known := range [...]struct{ kind, value string }{{ofBody, string(body)}, {ofToken, in.IdempotencyKey}} {
		person, err := t.banished(p, known.kind, in.Delivery.Source, known.value)
		if err != nil {
			return "", err
		}
		if person != nil {
			id := p.hash("id", in.Delivery.Source, known.value)
			return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id))[:len(NewID())], nil
		}
	}
	return "", nil
}

// consent lets the pages of somebody who was forgotten be known again: the
// person wrote anew. The contact's page is remembered by its id at once, so
// that it is found however the address is spelled there; what it shows is
// looked up.
func (t *tx) consent(key string) error {
	p, err := t.pepper()
	if err != nil || p == nil {
		return err
	}
	box, err := p.box(key)
	if err != nil {
		return err
	}
	var pages [][]byte
	if err := t.rows(`delete from forgotten where person = ? and kind = ? returning sealed`, []any{p.hash(ofPerson, key), ofPage}, func(r *sql.Rows) error {
		pages = append(pages, nil)
		return r.Scan(&pages[len(pages)-1])
	}); err != nil {
		return err
	}
	for _, page := range pages {
		text, err := box.Open(nil, nil, page, nil)
		if err != nil {
			continue // not a contact's, or from another secret
		}
		var s sealed
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		if err := t.saveSnapshot(crm.Snapshot{Page: s.Page, Database: s.Database, Key: key, Values: map[string]crm.Value{}}); err != nil {
			return err
		}
	}
	return nil
}

// unwanted reports whether a page is one of somebody who was forgotten. One
// that carries another email by now is another person's.
func (t *tx) unwanted(s crm.Sight) (bool, error) {
	p, err := t.pepper()
	if err != nil {
		return false, err
	}
	person, err := t.banished(p, ofPage, s.Page.ID)
	if err != nil || person == nil {
		return false, err
	}
	if s.Key == "" || bytes.Equal(person, p.hash(ofPerson, s.Key)) {
		return true, nil
	}
	return false, t.exec(`delete from forgotten where hash = ?`, p.hash(ofPage, s.Page.ID))
}
