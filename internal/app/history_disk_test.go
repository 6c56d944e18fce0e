package app_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/dealbell/dealbell/internal/store"
)

// disk is what a state directory holds at one moment.
type disk struct{ main, wal []byte }

func readDisk(t *testing.T, dir string) disk {
	t.Helper()
	main, err := os.ReadFile(filepath.Join(dir, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(filepath.Join(dir, store.FileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return disk{main, wal}
}

func (d disk) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range map[string][]byte{store.FileName: d.main, store.FileName + "-wal": d.wal} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// between returns the disk after one of the commits since an earlier moment,
// or after none of them. Where SQLite began its log anew meanwhile, it is what
// the disk holds now.
func (d disk) between(earlier disk, rng *rand.Rand) disk {
	draw := rng.Uint64() // always one, so that the story stays the same
	if !bytes.Equal(d.main, earlier.main) || !bytes.HasPrefix(d.wal, earlier.wal[:min(walHead, len(earlier.wal))]) {
		return d
	}
	past := len(commits(earlier.wal))
	ends := commits(d.wal)
	if past == 0 || past >= len(ends) {
		return d
	}
	since := ends[past-1:]
	return disk{d.main, d.wal[:since[draw%uint64(len(since))]]}
}

const (
	walHead   = 32 // bytes (https://www.sqlite.org/fileformat2.html#the_write_ahead_log)
	frameHead = 24
)

// commits lists where the commits of a write-ahead log end.
func commits(wal []byte) (ends []int) {
	if len(wal) < walHead {
		return nil
	}
	salt := wal[16:24]
	size := frameHead + int(binary.BigEndian.Uint32(wal[8:]))
	for at := walHead; at+size <= len(wal); at += size {
		frame := wal[at:]
		if !bytes.Equal(frame[8:16], salt) {
			break // of an older log
		}
		if binary.BigEndian.Uint32(frame[4:]) != 0 {
			ends = append(ends, at+size)
		}
	}
	return ends
}
