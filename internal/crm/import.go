package crm

import "time"

// ImportState is where an import stands.
type ImportState string

// The states of an import.
const (
	ImportRunning ImportState = "running"
	ImportPaused  ImportState = "paused"  // by a person, or because the state was restored
	ImportStopped ImportState = "stopped" // by a failure that concerns every row
	ImportDone    ImportState = "done"
)

// Import is a table that is brought into a database.
type Import struct {
	ID        int64
	Database  string // as configured
	File      []byte // keyed hash of the file, and of how its rows are read
	Property  string // id of the one that identifies a row
	Overwrite bool   // the file's values replace those that people set
	State     ImportState
	Reason    string // paused or stopped: why
	Rows      int    // of the file that hold something
	Created   int    // of these, so far
	Updated   int
	Unchanged int
	Rejected  int
	BegunAt   time.Time
}

// Open counts the rows that are still to be written.
func (i Import) Open() int { return i.Rows - i.Created - i.Updated - i.Unchanged - i.Rejected }

// ImportRow is a row of an import that is still to be written.
type ImportRow struct {
	Import int64
	Line   int    // of the file
	Key    string // by which it is found in its database, normalised
	Wanted map[string]Value
	Sum    []byte // keyed hash of all that
}

// Imported says what became of one row of an import.
type Imported struct {
	Import  int64
	Line    int
	Outcome Outcome
	Page    string
	Reason  string // rejected: why
}

// ImportStop is an import that cannot go on until a person has acted.
type ImportStop struct {
	Import int64 // 0 for all that run
	Reason string
}
