// Package table reads and writes tables of text: the CSV files that people
// and spreadsheets make.
//
// It owns how the encoding and the delimiter of a file are told, what makes a
// file no table, and how a cell is kept from running as a formula. It promises
// that every row has as many cells as the header, that cells are valid text
// without NUL, and that what a Writer wrote a Reader reads back. It refuses to
// know what the cells mean.
package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// MostBytes and mostColumns are the largest table that is read.
const (
	MostBytes   = 64 << 20
	mostColumns = 1000
)

// Format is how a file is written.
type Format struct {
	Encoding  string // such as UTF-8
	Delimiter rune
}

// String says it to a person.
func (f Format) String() string {
	names := map[rune]string{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars"}
	return f.Encoding + ", " + names[f.Delimiter]
}

// Reader reads a table row by row.
type Reader struct {
	format Format
	sum    [32]byte
	header []string
	skip   int // lines before those of csv
	csv    *csv.Reader
}

// Row is one row below the header.
type Row struct {
	Line  int      // of the file, where it begins
	Cells []string // as many as the header has
	Extra []string // the cells beyond them, unless all are empty
}

// Open finds out how a file is written and reads its header: the first row
// that is not empty. Errors say what is wrong with the file, some with a hint.
func Open(file io.ReadSeeker) (*Reader, error) {
	r := &Reader{}
	look, err := inspect(file)
	if err != nil {
		return nil, err
	}
	r.sum = look.sum
	if r.format.Encoding, err = look.encoding(); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	text, sample, err := decoded(file, r.format.Encoding)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	r.format.Delimiter, r.skip = delimiter(sample)
	if r.skip > 0 {
		if _, err := text.ReadString('\n'); err != nil {
			return nil, errEmpty
		}
	}
	r.csv = newCSV(text, r.format.Delimiter)
	return r, r.readHeader()
}

var errEmpty = errors.New("the file holds no table: it is empty")

func newCSV(text io.Reader, delimiter rune) *csv.Reader {
	r := csv.NewReader(text)
	r.Comma, r.FieldsPerRecord = delimiter, -1
	return r
}

// Format tells how the file is written.
func (r *Reader) Format() Format { return r.format }

// Sum identifies the file by its bytes (SHA-256).
func (r *Reader) Sum() [32]byte { return r.sum }

// Header returns the names of the columns. Each is there once: one without a
// name is called by its number, and a second one of a name gets a number.
func (r *Reader) Header() []string { return r.header }

func (r *Reader) readHeader() error {
	cells, _, err := r.record()
	if errors.Is(err, io.EOF) {
		return errEmpty
	}
	if err != nil {
		return err
	}
	if len(cells) > mostColumns {
		return fmt.Errorf("the table has %d columns; %d are the most that are read", len(cells), mostColumns)
	}
	taken := map[string]bool{}
	for i, cell := range cells {
		name := strings.TrimSpace(Bare(cell))
		if name == "" {
			name = fmt.Sprintf("Column %d", i+1)
		}
		unique := name
		for n := 2; taken[strings.ToLower(unique)]; n++ {
			unique = fmt.Sprintf("%s (%d)", name, n)
		}
		taken[strings.ToLower(unique)] = true
		r.header = append(r.header, unique)
	}
	return nil
}

// Next returns the next row that is not empty; [io.EOF] after the last.
func (r *Reader) Next() (Row, error) {
	cells, line, err := r.record()
	if err != nil {
		return Row{}, err
	}
	row := Row{Line: line, Cells: make([]string, len(r.header))}
	for i := range cells {
		cells[i] = Bare(cells[i])
	}
	more := cells[copy(row.Cells, cells):]
	if slices.ContainsFunc(more, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
		row.Extra = more
	}
	return row, nil
}

// record reads one record that is not empty.
func (r *Reader) record() (cells []string, line int, err error) {
	for {
		cells, err = r.csv.Read()
		if err != nil {
			return nil, 0, r.explain(err)
		}
		line, _ = r.csv.FieldPos(0)
		line += r.skip
		empty := true
		for _, cell := range cells {
			if strings.ContainsRune(cell, 0) {
				return nil, 0, fmt.Errorf("line %d: a cell holds a NUL character, which no text does", line)
			}
			empty = empty && strings.TrimSpace(cell) == ""
		}
		if !empty {
			return cells, line, nil
		}
	}
}

// explain says what is wrong in the words of who made the file.
func (r *Reader) explain(err error) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case !ok:
		return fmt.Errorf("read table: %w", err)
	case errors.Is(err, csv.ErrQuote):
		return crm.WithHint(fmt.Errorf("line %d: a quoted cell of this row is not closed properly; reading stopped at line %d", parse.StartLine+r.skip, parse.Line+r.skip),
			`a quote inside a quoted cell is written twice: "5"" pipe"`)
	}
	return crm.WithHint(fmt.Errorf("line %d: there is a quote where none may be (character %d)", parse.Line+r.skip, parse.Column),
		`put the cell in quotes and write each quote inside it twice: "5"" pipe"`)
}
