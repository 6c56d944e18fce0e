package importer

import (
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/dealbell/dealbell/internal/table"
)

// WriteRejects writes the rejected rows of a table, as they stand there, with
// the line and the reason of each; cells beyond the header come last. What is
// mended can be brought in.
func WriteRejects(to io.Writer, file io.ReadSeeker, rejects []Reject) error {
	reasons := map[int]string{}
	for _, r := range rejects {
		reasons[r.Line] = r.Reason
	}
	in, err := reopen(file)
	if err != nil {
		return err
	}
	kept := []int{} // columns; those of earlier rejects are written anew
	var header []string
	for i, name := range in.Header() {
		if name != LineColumn && name != ReasonColumn {
			kept, header = append(kept, i), append(header, name)
		}
	}
	if _, err := io.WriteString(to, table.Mark); err != nil {
		return err
	}
	out := table.NewWriter(to)
	err = errors.Join(out.Write(append(header, LineColumn, ReasonColumn)...), each(in, func(row table.Row) error {
		reason, rejected := reasons[row.Line]
		if !rejected {
			return nil
		}
		cells := make([]string, 0, len(kept)+2)
		for _, i := range kept {
			cells = append(cells, row.Cells[i])
		}
		return out.Write(slices.Concat(cells, []string{strconv.Itoa(row.Line), reason}, row.Extra)...)
	}))
	return errors.Join(err, out.Flush())
}
