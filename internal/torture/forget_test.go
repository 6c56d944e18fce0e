package torture

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// holds reports which of the database's files hold a text, in any case.
func holds(tb testing.TB, dir, text string) (files []string) {
	tb.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(filepath.Join(dir, store.FileName+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			tb.Fatal(err)
		}
		if bytes.Contains(bytes.ToLower(content), []byte(text)) {
			files = append(files, store.FileName+suffix)
		}
	}
	return files
}

// Somebody is forgotten while leads of others come in and are worked on.
func TestNoByteIsLeftOfSomebodyWhoIsForgottenUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood of leads is enough for one machine")
	}
	t.Parallel()
	megabytes := length(10, 60)
	notion := serveNotion(t, sandbox.Options{Latency: 10 * time.Millisecond})
	data := t.TempDir()
	environment := notion.environment(t, data)
	newState(t, environment)
	fatten(t, data, megabytes)
	d := start(t, environment)
	const zoe = "zoe.adler@example.com"
	body := []byte(`{"email":"Zoe.Adler@Example.com","message":"first"}`)
	for _, body := range [][]byte{body, []byte(`{"email":"zoe.adler@example.com","message":"second"}`)} {
		if a, err := post(t.Context(), http.DefaultClient, d.log.public, body); err != nil || a.status != http.StatusAccepted {
			t.Fatalf("%d %s, %v", a.status, a.body, err)
		}
	}
	leads := startFlood(t, rand.New(rand.NewPCG(seed(t), 0)), length(100, 300), 40)
	leads.aim(d.log.public)
	eventually(t, 20*time.Second, "leads are accepted", func() bool { return len(leads.promised()) > 100 && len(holds(t, data, zoe)) > 0 })
	stop := d.probe()
	began := time.Now()
	run(t, environment, "forget", zoe)
	took := time.Since(began)
	if files := holds(t, data, zoe); len(files) > 0 {
		t.Errorf("beside the daemon the address is left in %q", files)
	}
	t.Logf("figure: S14 forgotten in %v beside %d MB and a flood; an answer took %s meanwhile", took.Round(time.Millisecond), megabytes, quantiles(stop()))
	if a, err := post(t.Context(), http.DefaultClient, d.log.public, body); err != nil || a.Status != "duplicate" {
		t.Errorf("the website's retry is answered with %s, %v; want a duplicate", a.body, err)
	}
	leads.end()
	d.drained(time.Minute)
	d.stop()
	if files := holds(t, data, zoe); len(files) > 0 {
		t.Errorf("after the stop the address is in %q", files)
	}
	if open := leads.checkInbox(t, data); open != 0 {
		t.Errorf("%d leads are still open", open)
	}
	checkFile(t, data)
	leads.checkMessages(t, notion, finished(t, data))
}
