package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// errExists says that there is a file of that name, which was left alone.
var errExists = errors.New("there is a file of that name")

// writeFile makes a file that only its owner reads. It gets its name when all
// of it is written; force lets it take the place of another.
func writeFile(path string, force bool, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return errExists
	}
	draft, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(draft.Name()) // perhaps it is the one that has its name by now
		}
	}()
	if err := errors.Join(write(draft), draft.Sync(), draft.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if !force {
		err := os.Link(draft.Name(), path)
		switch {
		case err == nil:
			return os.Remove(draft.Name())
		case errors.Is(err, fs.ErrExist):
			return errors.Join(errExists, os.Remove(draft.Name()))
		} // some file systems have no links
	}
	return os.Rename(draft.Name(), path)
}
