//go:build linux

package bench

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
	"github.com/dealbell/dealbell/internal/store"
)

func openStore(b *testing.B) *store.DB {
	b.Helper()
	db, err := store.Open(b.Context(), stateDir(b), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

// BenchmarkAccept makes leads durable, with more and more callers at once.
func BenchmarkAccept(b *testing.B) {
	for _, callers := range []int{1, 8, 32, 128} { // per processor
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := openStore(b)
			var n numbers
			b.SetParallelism(callers)
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := db.Accept(b.Context(), intake(n.next())); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkTurn is one step of the queue with 100,000 jobs behind it: four
// runs end, four jobs are claimed, one commit.
func BenchmarkTurn(b *testing.B) {
	db := openStore(b)
	for i := int64(0); i < backlog; i += 1000 {
		var c crm.Commit
		for j := range int64(1000) {
			c.Jobs = append(c.Jobs, lead.UpsertJob(address(i+j)))
		}
		if err := db.Apply(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	room := crm.Room{Notion: 4, Lanes: map[crm.Lane]int{crm.Live: 4, crm.Notify: 4, crm.Sync: 4, crm.Bulk: 4}}
	var ends []crm.End
	b.ReportAllocs()
	for b.Loop() {
		jobs, _, err := db.Turn(b.Context(), ends, room)
		if err != nil {
			b.Fatal(err)
		}
		ends = ends[:0]
		for _, job := range jobs {
			ends = append(ends, crm.End{Job: job})
		}
	}
}

// BenchmarkIdle is the look that decides whether a Turn is worth it, while
// all live slots are taken.
func BenchmarkIdle(b *testing.B) {
	db := openStore(b)
	room := crm.Room{Notion: 2, Lanes: map[crm.Lane]int{crm.Notify: 2, crm.Sync: 2, crm.Bulk: 2}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := db.Idle(b.Context(), time.Now(), room); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode reads a form in each of its encodings.
func BenchmarkDecode(b *testing.B) {
	own, _ := form.Named("own")
	for _, form := range []struct{ name, contentType, body string }{
		{"json", "application/json", string(newLead(address(1)))},
		{"urlencoded", "application/x-www-form-urlencoded", "email=ana%40example.com&name=Ana+Example&company=Example+Ltd&utm_source=Website&message=What+does+it+cost%3F"},
	} {
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(len(form.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := own.Decode(nil, form.contentType, []byte(form.body)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify checks the signature of a lead.
func BenchmarkVerify(b *testing.B) {
	keys := signature.Keys(secret.New(formSecret))
	body, now := newLead(address(1)), time.Now()
	mac := hmac.New(sha256.New, []byte(formSecret))
	mac.Write(body)
	request := signature.Request{Header: http.Header{"X-Form-Signature": {hex.EncodeToString(mac.Sum(nil))}}, Body: body}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signature.Form.Verify(request, keys, now); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseEmail normalises addresses.
func BenchmarkParseEmail(b *testing.B) {
	for _, typed := range []string{"ana@example.com", " Ana.Müller+web@Bücher.example "} {
		b.Run(typed, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := crm.ParseEmail(typed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
