package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// required reads the versions that a go.mod requires.
func required(tb testing.TB, path string) map[string]string {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(content)) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(words) >= 2 && strings.HasPrefix(words[1], "v") {
			versions[words[0]] = words[1]
		}
	}
	return versions
}

// The library's next version may bring back what internal/notion works around,
// and the driver runs on no other libc than the one it was tested with.
func TestPinnedModulesAreAtTheVersionsThatWereTested(t *testing.T) {
	t.Parallel()
	command := exec.Command("go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite")
	command.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("find the driver's go.mod: %v\n%s", err, out)
	}
	ours, drivers := required(t, "../../go.mod"), required(t, strings.TrimSpace(string(out)))
	for module, want := range map[string]string{
		"github.com/jomei/notionapi": "v1.13.3",
		"modernc.org/sqlite":         "v1.60.1",
		"modernc.org/libc":           drivers["modernc.org/libc"],
	} {
		if got := ours[module]; got == "" || got != want {
			t.Errorf("go.mod requires %s %q, want %q", module, got, want)
		}
	}
}
