package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dealbell/dealbell/internal/crm"
)

// The names of the files.
const (
	YAMLName = "dealbell.yaml"
	EnvName  = "dealbell.env"
)

// The modes of the files: the service, which has a user of its own, reads the
// configuration, in which no secret stands; the environment is read by systemd
// before.
const (
	yamlMode = 0o644
	envMode  = 0o600
)

// ReadFile reads one of the files; "" when there is none. A link in its place
// is refused: what is written next would go elsewhere.
func ReadFile(path string) (string, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return "", crm.WithHint(fmt.Errorf("read %s: it is not a regular file", path), "move it away, or choose another directory with --dir")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return string(content), nil
}

// WriteFile puts one of the files into its place at once: who reads it sees
// the old or the new one, whole. It follows no link, and a file with secrets
// is nobody else's to read at any moment.
func WriteFile(path, content string) error {
	dir, name := filepath.Split(path)
	mode := fs.FileMode(yamlMode)
	if name == EnvName {
		mode = envMode
	} else if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		mode = info.Mode().Perm() // somebody chose it
	}
	temp, err := os.CreateTemp(filepath.Clean(dir), "."+name+"-*") // 0600, and never an existing file
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = temp.WriteString(content)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
