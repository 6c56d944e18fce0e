package torture

import (
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
	_ = os.RemoveAll(shipped.dir)
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
	once sync.Once
	dir  string
	err  error
}

var shipped build

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
	command := exec.Command("go", "build", "-o", b.dir, "github.com/dealbell/dealbell/cmd/dealbell")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build dealbell: %w\n%s", err, out)
	}
	return nil
}
