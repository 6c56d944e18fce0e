package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
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
	return t.exec(`insert into forgotten (hash, person, kind, at) values (?, ?, ?, ?) on conflict (hash) do update set person = excluded.person, at = excluded.at`,
		p.hash(kind, parts...), p.hash(ofPerson, person.Key), kind, t.now)
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
// person wrote anew.
func (t *tx) consent(key string) error {
	p, err := t.pepper()
	if err != nil || p == nil {
		return err
	}
	return t.exec(`delete from forgotten where person = ? and kind = ?`, p.hash(ofPerson, key), ofPage)
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
