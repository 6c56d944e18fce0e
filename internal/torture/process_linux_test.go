package torture

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// peak is the most memory that the daemon ever held, in bytes.
func (d *daemon) peak() int {
	d.tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.tb.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				d.tb.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	d.tb.Fatal("the kernel tells nothing of the peak")
	return 0
}

// cpu is the time that processors spent on the daemon.
func (d *daemon) cpu() time.Duration {
	d.tb.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		d.tb.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime, of which 100 are a second
		n, err := strconv.Atoi(field)
		if err != nil {
			d.tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100)
}

// files counts what the daemon has open.
func (d *daemon) files() int {
	d.tb.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		d.tb.Fatal(err)
	}
	return len(open)
}

// room makes sure that this process, and the daemons that it starts, may have
// so many files open.
func room(tb testing.TB, files uint64) {
	tb.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		tb.Fatal(err)
	}
	if limit.Cur >= files {
		return
	}
	limit.Cur, limit.Max = files, max(files, limit.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("DEALBELL_REQUIRE_ALL") == "1" {
			tb.Fatalf("open %d files: %v", files, err)
		}
		tb.Skipf("%d open files are not allowed: %v; DEALBELL_REQUIRE_ALL=1 makes this an error", files, err)
	}
}
