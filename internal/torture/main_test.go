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
	code := m.Run()
	_ = os.RemoveAll(shipped.dir)
	os.Exit(code)
}

// full reports whether the rigs run at their full length.
func full() bool { return os.Getenv("DEALBELL_TORTURE") == "full" }

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
