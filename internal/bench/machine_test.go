//go:build linux

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Numbers of file systems, from statfs(2).
const (
	tmpfs = 0x01021994
	ramfs = 0x858458f6
)

var fileSystems = map[int64]string{
	tmpfs: "tmpfs", ramfs: "ramfs", 0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x794c7630: "overlayfs", 0x2fc12fc1: "zfs", 0xf2f52010: "f2fs",
}

func fileSystem(b *testing.B, dir string) int64 {
	b.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		b.Fatal(err)
	}
	return int64(uint32(s.Type))
}

// stateDir makes an empty directory on a disk: where temporary files live,
// or beside this package when those live in memory, where fsync does nothing.
func stateDir(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	if kind := fileSystem(b, dir); kind != tmpfs && kind != ramfs {
		return dir
	}
	dir, err := os.MkdirTemp(".", "state-*.out") //nolint:usetesting // b.TempDir is what was in memory
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	if dir, err = filepath.Abs(dir); err != nil {
		b.Fatal(err)
	}
	return dir
}

// facts say what the numbers were measured on.
func facts(b *testing.B, dir, load string) string {
	b.Helper()
	return fmt.Sprintf("Measured %s: %s, %d cores, Linux %s, %s, state on %s, load %s before the start.",
		time.Now().UTC().Format(time.DateOnly), cpuModel(), runtime.NumCPU(), firstLine("/proc/sys/kernel/osrelease"), runtime.Version(), disk(b, dir), load)
}

// load is how busy the machine is with other things: the number of processes
// that want a processor, averaged over a minute.
func load() string {
	average, _, _ := strings.Cut(firstLine("/proc/loadavg"), " ")
	return average
}

func cpuModel() string {
	content, _ := os.ReadFile("/proc/cpuinfo") // not every machine names its CPU there
	for line := range strings.Lines(string(content)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// disk names the file system and the device under a directory.
func disk(b *testing.B, dir string) string {
	b.Helper()
	kind := fileSystem(b, dir)
	name, ok := fileSystems[kind]
	if !ok {
		name = fmt.Sprintf("file system %#x", kind)
	}
	info, err := os.Stat(dir)
	if err != nil {
		b.Fatal(err)
	}
	dev := info.Sys().(*syscall.Stat_t).Dev
	number := fmt.Sprintf("/sys/dev/block/%d:%d", dev>>8&0xfff, dev&0xff|dev>>12&0xfff00)
	if device, err := os.Readlink(number); err == nil {
		name += " on " + filepath.Base(device)
	}
	return name
}

func firstLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return "?"
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

// fsyncs times what one commit needs at least: an append that is on the disk.
func fsyncs(b *testing.B, path string, d time.Duration) []time.Duration {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4<<10)
	var took []time.Duration
	for end := time.Now().Add(d); time.Now().Before(end); {
		at := time.Now()
		if _, err := f.Write(block); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(at))
	}
	return took
}

// cpu is the processor time that the daemon has used. The scheduler's count
// is in nanoseconds; that of /proc/PID/stat is in hundredths of a second,
// which is coarse for an idle process.
func (d *daemon) cpu(b *testing.B) time.Duration {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", d.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return d.cpuTicks(b)
	}
	var sum time.Duration
	for _, path := range threads {
		used, _, _ := strings.Cut(firstLine(path), " ")
		ns, err := strconv.ParseInt(used, 10, 64)
		if err != nil {
			b.Fatalf("read %s: %v", path, err)
		}
		sum += time.Duration(ns)
	}
	return sum
}

func (d *daemon) cpuTicks(b *testing.B) time.Duration {
	b.Helper()
	line := firstLine(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	var ticks int64
	for _, text := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
}

// memory is the resident size of the daemon, and its share of what it shares.
func (d *daemon) memory(b *testing.B) (rss, pss int64) {
	b.Helper()
	return kilobytes(b, fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid), "VmRSS:"),
		kilobytes(b, fmt.Sprintf("/proc/%d/smaps_rollup", d.cmd.Process.Pid), "Pss:")
}

func kilobytes(b *testing.B, path, name string) int64 {
	b.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n << 10
		}
	}
	b.Fatalf("%s has no %s", path, name)
	return 0
}

// peakMemory is the most that was ever resident of the daemon.
func (d *daemon) peakMemory(b *testing.B) int64 {
	b.Helper()
	return kilobytes(b, fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid), "VmHWM:")
}
