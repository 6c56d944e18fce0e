package torture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(beWatched) != "" {
		becomeWatched()
	}
	code := m.Run()
	for _, b := range []*build{&shipped, &careless} {
		_ = os.RemoveAll(b.dir)
	}
	os.Exit(code)
}

// full reports whether the rigs run at their full length.
func full() bool { return os.Getenv("DEALBELL_TORTURE") == "full" }

// figure prints what a rig measured. "make torture" gathers these lines.
func figure(tb testing.TB, goal, measured string, seed uint64) {
	tb.Helper()
	tb.Logf("figure: %s | %s | seed %d", goal, measured, seed)
}

// verdict is what a rig found unless it failed.
func verdict(tb testing.TB, good string) string {
	if tb.Failed() {
		return "FAILED"
	}
	return good
}

// cannot ends a rig that lacks something: where nothing may be left out it
// fails, elsewhere it is skipped.
func cannot(tb testing.TB, because string) {
	tb.Helper()
	if os.Getenv("CI") == "true" || os.Getenv("DEALBELL_REQUIRE_ALL") == "1" {
		tb.Fatal(because)
	}
	tb.Skip(because + "; DEALBELL_REQUIRE_ALL=1 makes this an error")
}

// build makes the binary as it is shipped.
type build struct {
	change map[string]map[string]string // what is replaced before, by file and text

	once sync.Once
	dir  string
	err  error
}

var (
	shipped build

	// careless commits without waiting for the disk, as many programs do. What
	// finds no fault with it finds none at all.
	careless = build{change: map[string]map[string]string{"../store/store.go": {
		"_synchronous=FULL":    "_synchronous=NORMAL",
		`{"synchronous", "2"}`: `{"synchronous", "1"}`,
	}}}
)

func (b *build) path(tb testing.TB) string {
	tb.Helper()
	b.once.Do(func() { b.err = b.make() })
	if b.err != nil {
		tb.Fatal(b.err)
	}
	return filepath.Join(b.dir, "dealbell")
}

func (b *build) make() (err error) {
	if b.dir, err = os.MkdirTemp("", "dealbell-test-"); err != nil {
		return err
	}
	overlay, err := b.overlay()
	if err != nil {
		return err
	}
	command := exec.Command("go", "build", "-overlay", overlay, "-o", b.dir, "github.com/dealbell/dealbell/cmd/dealbell")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build dealbell: %w\n%s", err, out)
	}
	return nil
}

// overlay writes the changed files, and the list of them that go build takes.
func (b *build) overlay() (list string, err error) {
	replaced := map[string]string{}
	for name, texts := range b.change {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		for before, after := range texts {
			if n := bytes.Count(content, []byte(before)); n != 1 {
				return "", fmt.Errorf("%s has %q %d times, want once", name, before, n)
			}
			content = bytes.Replace(content, []byte(before), []byte(after), 1)
		}
		original, err := filepath.Abs(name)
		if err != nil {
			return "", err
		}
		replaced[original] = filepath.Join(b.dir, filepath.Base(name))
		if err := os.WriteFile(replaced[original], content, 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	list = filepath.Join(b.dir, "overlay.json")
	return list, os.WriteFile(list, text, 0o600)
}
