package setup_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dealbell/dealbell/internal/setup"
)

func TestFilesAreWrittenWholeAndForTheRightEyes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env, yaml := filepath.Join(dir, setup.EnvName), filepath.Join(dir, setup.YAMLName)
	if err := os.WriteFile(env, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{env: 0o600, yaml: 0o644} {
		if err := setup.WriteFile(path, "new\n"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != mode {
			t.Errorf("%s has mode %v, %v; want %v", path, info.Mode(), err, mode)
		}
	}
	if err := os.Chmod(yaml, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := setup.WriteFile(yaml, "newer\n"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(yaml); err != nil || info.Mode() != 0o640 {
		t.Errorf("a mode that somebody chose is now %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestALinkIsNotFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, path := filepath.Join(dir, "target"), filepath.Join(dir, setup.EnvName)
	if err := os.WriteFile(target, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if _, err := setup.ReadFile(path); err == nil {
		t.Error("a link is read")
	}
	if err := setup.WriteFile(path, "secret\n"); err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(target); string(content) != "theirs" {
		t.Errorf("the link was followed: %q", content)
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("in its place is %v, %v", info, err)
	}
	if got, err := setup.ReadFile(filepath.Join(dir, "nothing")); got != "" || err != nil {
		t.Errorf("no file: %q, %v", got, err)
	}
	if err := setup.WriteFile(filepath.Join(dir, "no", "such", setup.EnvName), "x"); err == nil {
		t.Error("a directory that is not there is written to")
	}
}
