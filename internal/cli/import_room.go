package cli

import (
	"fmt"

	"github.com/dealbell/dealbell/internal/crm"
)

// What an import takes of the disk, measured: its rows while they wait, several
// times the file with their keys and the write-ahead log, and then the state
// and the ledger of each page that is written.
const (
	fileTimes  = 4
	perWrite   = 4 << 10
	leadsSpace = 64 << 20 // that is left to leads
)

// room reports whether the disk has room for an import, so that it leaves
// leads some. Sizes are in bytes.
func room(free uint64, file int64, writes int) error {
	need := uint64(file)*fileTimes + uint64(writes)*perWrite
	if free >= need+leadsSpace {
		return nil
	}
	return crm.WithHint(fmt.Errorf("the disk has %.0f MB free; this import takes about %.0f MB, and leads need %.0f MB",
		float64(free)/1e6, float64(need)/1e6, float64(leadsSpace)/1e6), "free some space: df -h; or bring in a part of the file first")
}

// hasRoom looks at the disk.
func (i *importing) hasRoom(writes int) error {
	space, err := i.db.Space()
	if err != nil {
		return err
	}
	info, err := i.file.Stat()
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return room(space.Free, info.Size(), writes)
}
