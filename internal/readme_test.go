package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The README points into the sources; what moves must take its pointer along.
func TestEveryPathInTheReadmeExists(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	paths := regexp.MustCompile("`((?:internal|cmd|deploy|migrations)/[^` ]+)`|\\]\\(([^):#]+)\\)").FindAllStringSubmatch(string(text), -1)
	if len(paths) < 10 {
		t.Fatalf("only %d paths found in the README", len(paths))
	}
	for _, p := range paths {
		if _, err := os.Stat(filepath.Join("..", p[1]+p[2])); err != nil {
			t.Errorf("the README names %s%s: %v", p[1], p[2], err)
		}
	}
}
