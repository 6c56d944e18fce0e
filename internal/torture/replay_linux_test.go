package torture

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// change is one that the kernel has taken and may still lose in a power cut:
// some bytes of a file, or its size, or a name in the directory.
type change struct {
	data []byte
	at   int64 // where data begins, or the new size where there is none
	name string
	file *file // that name stands for from then on; nil: it was removed
}

// file is what a power cut leaves of it for sure, and what may be lost.
type file struct {
	durable []byte
	pending []change
	settled int // changes that were pending once
}

// disk rebuilds the state directory from what a daemon did. A change of a file
// is durable once an fsync of that file that began after it has succeeded. A
// name is durable once the directory has been synced after it; until then the
// file may be missing, or still be there after it was removed.
type disk struct {
	dir     string
	names   map[string]*file // as the daemon sees them
	durable map[string]*file
	pending []change // of names
	settled int
	syncs   map[string]syncing
	ends    map[string]int64 // of files that are written one piece after the other
	unknown error            // something that the replay cannot do
}

// syncing is an fsync that has begun.
type syncing struct {
	file  *file // nil: the directory
	count int   // of changes, since the beginning, that it makes durable
}

func newDisk(dir string) *disk {
	return &disk{dir: dir, names: map[string]*file{}, durable: map[string]*file{}, syncs: map[string]syncing{}, ends: map[string]int64{}}
}

// name returns the name of a file in the directory; "" for any other. SQLite's
// index of the log is shared memory that is made anew after a crash.
func (d *disk) name(path string) string {
	name, inside := strings.CutPrefix(path, d.dir+"/")
	if !inside || strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, "(deleted)") {
		return ""
	}
	return name
}

// do follows the daemon by one step.
func (d *disk) do(s step) {
	if s.begins && s.call == "fsync" {
		d.beginSync(s)
	}
	if !s.ends || s.result < 0 {
		return
	}
	switch s.call {
	case "fsync":
		d.endSync(s)
	case "pwrite64":
		d.write(d.name(s.file(0)), s.text(1), s.number(3), s.result)
	case "write":
		name := d.name(s.file(0))
		d.write(name, s.text(1), d.ends[name], s.result)
		d.ends[name] += s.result
	case "ftruncate":
		d.alter(d.name(s.file(0)), change{at: s.number(1)})
	case "unlink":
		d.rename(d.name(string(s.text(0))), nil)
	case "unlinkat":
		d.rename(d.name(string(s.text(1))), nil)
	case "open":
		d.open(d.name(string(s.text(0))), s.arguments[1])
	case "openat":
		d.open(d.name(string(s.text(1))), s.arguments[2])
	default:
		d.refuse(s)
	}
}

// refuse fails on a call that changes the directory in a way that the replay
// does not know.
func (d *disk) refuse(s step) {
	private := s.call == "mmap" && !strings.Contains(strings.Join(s.arguments, " "), "MAP_SHARED")
	for _, path := range s.paths() {
		if d.name(path) != "" && !private {
			d.unknown = fmt.Errorf("%s of %s", s.call, path)
		}
	}
}

func (d *disk) open(name, flags string) {
	if name == "" {
		return
	}
	if d.names[name] == nil && strings.Contains(flags, "O_CREAT") {
		d.rename(name, &file{})
	}
	d.ends[name] = 0
	if strings.Contains(flags, "O_TRUNC") {
		d.alter(name, change{})
	}
}

func (d *disk) rename(name string, f *file) {
	if name == "" || d.names[name] == f {
		return
	}
	d.pending = append(d.pending, change{name: name, file: f})
	d.pending[len(d.pending)-1].apply(d.names)
}

func (c change) apply(names map[string]*file) {
	if c.file == nil {
		delete(names, c.name)
		return
	}
	names[c.name] = c.file
}

func (d *disk) write(name string, data []byte, at, size int64) {
	if name != "" {
		d.alter(name, change{data: data[:size], at: at})
	}
}

func (d *disk) alter(name string, c change) {
	if f := d.names[name]; f != nil {
		f.pending = append(f.pending, c)
	}
}

func (d *disk) beginSync(s step) {
	if path := s.file(0); path == d.dir {
		d.syncs[s.thread] = syncing{nil, d.settled + len(d.pending)}
	} else if f := d.names[d.name(path)]; f != nil {
		d.syncs[s.thread] = syncing{f, f.settled + len(f.pending)}
	}
}

func (d *disk) endSync(s step) {
	begun, ours := d.syncs[s.thread]
	delete(d.syncs, s.thread)
	switch f := begun.file; {
	case !ours:
	case f != nil:
		done := max(0, begun.count-f.settled)
		f.durable = patched(f.durable, f.pending[:done])
		f.pending, f.settled = slices.Clone(f.pending[done:]), f.settled+done
	default:
		done := max(0, begun.count-d.settled)
		for _, c := range d.pending[:done] {
			c.apply(d.durable)
		}
		d.pending, d.settled = slices.Clone(d.pending[done:]), d.settled+done
	}
}

// patched applies changes to the content of a file, which it may overwrite.
func patched(content []byte, changes []change) []byte {
	for _, c := range changes {
		end := c.at + int64(len(c.data))
		if more := end - int64(len(content)); more > 0 {
			content = append(content, make([]byte, more)...)
		}
		if c.data == nil {
			content = content[:c.at]
		}
		copy(content[c.at:], c.data)
	}
	return content
}

// image is what a power cut leaves: the content of files by name.
type image map[string][]byte

// unsynced counts the changes that a power cut may lose.
func (d *disk) unsynced() int {
	n := len(d.pending)
	for _, f := range d.names {
		n += len(f.pending)
	}
	return n
}

// cut is the image of a power cut in which keep decides how much of the
// pending changes of each file has reached the disk.
func (d *disk) cut(names map[string]*file, keep func([]change) []change) image {
	left := image{}
	for _, name := range slices.Sorted(maps.Keys(names)) { // in order: keep may throw dice
		f := names[name]
		left[name] = patched(bytes.Clone(f.durable), keep(f.pending))
	}
	return left
}

// onlyDurable is a power cut in which nothing that is pending has reached the
// disk.
func (d *disk) onlyDurable() image {
	return d.cut(d.durable, func([]change) []change { return nil })
}

// someMore is one in which any of what is pending has.
func (d *disk) someMore(dice *rand.Rand) image {
	names := maps.Clone(d.durable)
	for _, c := range d.pending {
		if dice.IntN(2) == 0 {
			c.apply(names)
		}
	}
	return d.cut(names, func(pending []change) (some []change) {
		for _, c := range pending {
			if dice.IntN(2) == 0 {
				some = append(some, c)
			}
		}
		return some
	})
}

const sector = 512

// torn is one in which all has but the last write of each file, of which some
// sectors have.
func (d *disk) torn(dice *rand.Rand) image {
	return d.cut(d.names, func(pending []change) []change {
		if len(pending) == 0 {
			return nil
		}
		last := pending[len(pending)-1]
		whole := pending[:len(pending)-1]
		first := sector - last.at%sector // bytes until the first boundary
		if boundaries := (int64(len(last.data)) - first + sector - 1) / sector; boundaries > 0 {
			part := last.data[:first+sector*dice.Int64N(boundaries)]
			return append(slices.Clone(whole), change{data: part, at: last.at})
		}
		return whole
	})
}

// now is what the daemon itself sees.
func (d *disk) now() image {
	return d.cut(d.names, func(pending []change) []change { return pending })
}

// save makes a state directory of an image.
func (i image) save(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, content := range i {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// does makes the step of a whole call.
func does(call string, result int64, arguments ...string) step {
	return step{thread: "1", begins: true, ends: true, call: call, arguments: arguments, result: result}
}

func TestWhatAPowerCutLeaves(t *testing.T) {
	t.Parallel()
	const dir, a = `3<\x2f\x64>`, `4<\x2f\x64\x2f\x61>` // descriptors of /d and /d/a
	begun, ended := does("fsync", 0, a), does("fsync", 0, a)
	begun.ends, ended.begins = false, false
	d := newDisk("/d")
	for i, c := range []struct {
		step step
		want image
	}{
		{does("open", 4, `"\x2f\x64\x2f\x61"`, "O_RDWR|O_CREAT", "0600"), image{}},
		{does("pwrite64", 2, a, `"\x41\x42"`, "2", "0"), image{}},
		{does("fsync", 0, dir), image{"a": nil}},
		{does("fsync", -1, a), image{"a": nil}},
		{begun, image{"a": nil}},
		{does("pwrite64", 2, a, `"\x43\x44"`, "2", "4"), image{"a": nil}},
		{ended, image{"a": []byte("AB")}},
		{does("fsync", 0, a), image{"a": []byte("AB\x00\x00CD")}},
		{does("ftruncate", 0, a, "1"), image{"a": []byte("AB\x00\x00CD")}},
		{does("fsync", 0, a), image{"a": []byte("A")}},
		{does("unlink", 0, `"\x2f\x64\x2f\x61"`), image{"a": []byte("A")}},
		{does("fsync", 0, dir), image{}},
	} {
		d.do(c.step)
		if got := d.onlyDurable(); !maps.EqualFunc(got, c.want, bytes.Equal) {
			t.Errorf("step %d, %s: a power cut leaves %q, want %q", i, c.step.call, got, c.want)
		}
	}
	d.do(does("fallocate", 0, a, "0", "0", "4096"))
	if d.unknown == nil {
		t.Error("a call that the replay does not know passed")
	}
}
