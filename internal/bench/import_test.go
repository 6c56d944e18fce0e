//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	importRows = 10_000
	importTime = 40 * time.Second // of each import, which would take 17 minutes
)

// measureImport brings a large file into an empty database, beside a daemon
// and without one, until the peaks of memory are behind: the plan, the rows
// stored, the first hundreds of them written.
func measureImport(b *testing.B, t *table, bin string) {
	file := importFile(b)
	n := newNotion(b, 0)
	beside := settings{data: stateDir(b), notion: n, yaml: fullPace}
	d := start(b, bin, beside)
	command := importFor(b, bin, file, beside)
	t.add(memoryRow("the daemon", mb(d.peakMemory(b))))
	t.add(memoryRow("the command beside it", command))
	d.stop()
	t.add(memoryRow("the command alone", importFor(b, bin, file, settings{data: stateDir(b), notion: newNotion(b, 0), yaml: fullPace})))
}

func memoryRow(who string, megabytes float64) row {
	return row{
		measure: fmt.Sprintf("import of %s rows: peak memory of %s", thousands(importRows), who),
		result:  fmt.Sprintf("%.1f MB RSS", megabytes), target: "≤ 64 MB", met: verdict(megabytes <= 64),
	}
}

// importFile is what a CRM exports: 2.4 MB.
func importFile(b *testing.B) string {
	b.Helper()
	var text strings.Builder
	text.WriteString("First Name,Last Name,Email,Company,Lead Source,Notes\n")
	for i := range importRows {
		fmt.Fprintf(&text, "Ana,Example %d,%s,Example %d Ltd,Website,%q\n", i, address(int64(i)), i%900, message[:160])
	}
	path := filepath.Join(b.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// importFor lets the command work for a while, interrupts it, and returns the
// most memory that it had.
func importFor(b *testing.B, bin, file string, s settings) (megabytes float64) {
	b.Helper()
	var said bytes.Buffer
	cmd := exec.Command(bin, "import", file)
	cmd.Env, cmd.Stderr = s.environment(b, freeAddress(b)), &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	time.Sleep(importTime)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "the same command goes on") {
		b.Fatalf("the import ended with %v:\n%s", err, said.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return mb(usage.Maxrss << 10)
}
