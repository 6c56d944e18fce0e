package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"dealbell": main})
}

// suite removes the binary when all tests have run.
type suite struct{ *testing.M }

func (s suite) Run() int {
	defer func() { _ = os.RemoveAll(shipped.dir) }()
	return s.M.Run()
}

// build makes the binary as it is shipped. Scripts run the test binary under
// its name instead, which the race detector and the coverage can see into.
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
	command := exec.Command("go", "build", "-o", b.dir, ".")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build dealbell: %w\n%s", err, out)
	}
	return nil
}
