// Package migrations holds the database schema as numbered SQL files.
//
// They run forward only, in order, each in its own transaction. A file that
// was released is never edited; a change is a new file.
package migrations

import "embed"

// Files are the migrations, named NNNN_name.sql.
//
//go:embed *.sql
var Files embed.FS
