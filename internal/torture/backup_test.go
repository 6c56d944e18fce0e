package torture

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// short or, at full length, long.
func length[T any](short, long T) T {
	if full() {
		return long
	}
	return short
}

// run runs a command of the binary, which has to succeed.
func run(tb testing.TB, environment []string, arguments ...string) (stdout string) {
	tb.Helper()
	command := exec.Command(shipped.path(tb), arguments...)
	command.Dir, command.Env = tb.TempDir(), environment
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("dealbell %s: %v\n%s", strings.Join(arguments, " "), err, complaint.String())
	}
	return string(out)
}

// at returns the environment for another state directory.
func at(environment []string, data string) []string {
	return append(slices.Clone(environment), "DEALBELL_DATA="+data)
}

// backedUp is what "dealbell backup --json" prints.
type backedUp struct {
	Backup  store.Backup `json:"backup"`
	Seconds float64      `json:"seconds"`
}

func backup(tb testing.TB, environment []string, file string) (b backedUp) {
	tb.Helper()
	if err := json.Unmarshal([]byte(run(tb, environment, "backup", "--json", file)), &b); err != nil {
		tb.Fatal(err)
	}
	return b
}

// fatten puts finished deliveries into the state directory of a daemon that
// is not running, until it has so many megabytes.
func fatten(tb testing.TB, dir string, megabytes int) {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, store.FileName)+"?_synchronous=OFF&_journal_mode=WAL")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	// Rows of 2 KB take a page of 4 KB each.
	if _, err := db.ExecContext(tb.Context(), `with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)
		insert into inbox (id, source, key, content_type, body, received_at, state, outcome, page, done_at)
		select 'fat' || i, 'lead', 'fat' || i || '@example.com', 'application/json', randomblob(2000), ?2, 'done', 'created', 'fat', ?2 from n`,
		megabytes*250, time.Now().UnixMilli()); err != nil {
		tb.Fatal(err)
	}
	if _, err := db.ExecContext(tb.Context(), `pragma wal_checkpoint(truncate)`); err != nil {
		tb.Fatal(err)
	}
}

// newState makes the state directory of a daemon that has run.
func newState(tb testing.TB, environment []string) {
	tb.Helper()
	start(tb, environment).stop()
}

// checkBackup fails unless the file is whole, holds the rows it is said to,
// and every lead that was acknowledged before it was begun.
func checkBackup(tb testing.TB, b backedUp, promised map[string]string) {
	tb.Helper()
	dir := tb.TempDir()
	if err := os.Rename(b.Backup.Path, filepath.Join(dir, store.FileName)); err != nil {
		tb.Fatal(err)
	}
	db := openFile(tb, dir)
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(tb.Context(), `pragma integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		tb.Errorf("integrity_check of a backup: %q, %v", verdict, err)
	}
	for table, want := range b.Backup.Rows {
		var got int64
		if err := db.QueryRowContext(tb.Context(), `select count(*) from `+table).Scan(&got); err != nil || got != want {
			tb.Errorf("the backup has %d rows of %s, %v; it was said to have %d", got, table, err, want)
		}
	}
	stored := inbox(tb, dir)
	for id, want := range promised {
		if stored[id] != want {
			tb.Errorf("lead %s was acknowledged before the backup was begun and is in it as %q", id, stored[id])
		}
	}
	if err := os.Remove(filepath.Join(dir, store.FileName)); err != nil {
		tb.Fatal(err)
	}
}

// probe sends a lead now and then until it is stopped, and returns how long
// the answers took, the fastest first.
func (d *daemon) probe() (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(d.tb.Context())
	first := time.Now()
	took := make(chan []time.Duration, 1)
	go func() {
		var all []time.Duration
		for n := 0; ctx.Err() == nil; n++ {
			asked := time.Now()
			a, err := post(context.Background(), http.DefaultClient, d.log.public, fmt.Appendf(nil, `{"email":%q,"probe":"%d of %v"}`, person(0).key(), n, first))
			if err != nil || a.status != http.StatusAccepted {
				d.tb.Errorf("probe: %d %s, %v", a.status, a.body, err)
			}
			all = append(all, time.Since(asked))
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		slices.Sort(all)
		took <- all
	}()
	return func() []time.Duration {
		cancel()
		return <-took
	}
}

func quantiles(sorted []time.Duration) string {
	return fmt.Sprintf("%v (p99 %v, worst %v)", sorted[len(sorted)/2], sorted[len(sorted)*99/100], sorted[len(sorted)-1])
}

func TestBackupsUnderLoadAreWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood of leads is enough for one machine")
	}
	t.Parallel()
	backups, perSecond, megabytes := length(5, 100), length(200, 500), length(20, 200)
	notion := serveNotion(t, sandbox.Options{})
	data := t.TempDir()
	environment := notion.environment(t, data)
	newState(t, environment)
	fatten(t, data, megabytes)
	d := start(t, environment)
	leads := startFlood(t, rand.New(rand.NewPCG(seed(t), 0)), perSecond, 40)
	leads.aim(d.log.public)
	eventually(t, 20*time.Second, "leads are accepted", func() bool { return len(leads.promised()) > 100 })

	stop := d.probe()
	time.Sleep(length(time.Second, 20*time.Second))
	quiet := stop()
	stop = d.probe()
	to, took := t.TempDir(), make([]time.Duration, backups)
	before, began := len(leads.promised()), time.Now()
	for i := range backups {
		promised := leads.promised()
		b := backup(t, environment, filepath.Join(to, fmt.Sprint(i)))
		took[i] = time.Duration(b.Seconds * float64(time.Second)).Round(time.Millisecond)
		checkBackup(t, b, promised)
	}
	beside := stop()
	rate := float64(len(leads.promised())-before) / time.Since(began).Seconds()
	leads.end()
	slices.Sort(took)
	t.Logf("figure: R10 %d backups of %d MB and more beside %.0f leads/s are whole: each takes %v, at worst %v",
		backups, megabytes, rate, took[len(took)/2], took[len(took)-1])
	t.Logf("figure: R10 an answer takes %s beside backups, %s without", quantiles(beside), quantiles(quiet))
	if left, err := os.ReadDir(to); err != nil || len(left) > 0 {
		t.Errorf("left in the directory of backups: %v, %v", left, err)
	}
	d.kill()
	leads.checkInbox(t, data)
	checkFile(t, data)
}
