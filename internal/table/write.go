package table

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Mark is the byte order mark, by which Excel knows UTF-8.
const Mark = "\ufeff"

// Writer writes a table as RFC 4180 wants it: UTF-8, commas, CRLF.
type Writer struct{ csv *csv.Writer }

// NewWriter returns a Writer; Flush it in the end.
func NewWriter(to io.Writer) *Writer {
	w := csv.NewWriter(to)
	w.UseCRLF = true
	return &Writer{w}
}

// Write writes one row. Cells that a spreadsheet would run get a quote in
// front, which [Bare] takes off.
func (w *Writer) Write(cells ...string) error {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = Safe(cell)
	}
	if err := w.csv.Write(safe); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// Flush writes what is left.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// running are the characters with which a cell begins that a spreadsheet runs
// as a formula, among them those of full width (OWASP, CSV injection).
const running = "=+-@\t\r\n＝＋－＠"

// number is a cell that a spreadsheet takes for a number.
var number = regexp.MustCompile(`^-?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?$`)

// Safe returns a cell that no spreadsheet runs: ' stands before what would
// begin a formula, numbers excepted, and before what would look so.
func Safe(cell string) string {
	if formula(strings.TrimLeft(cell, "'")) {
		return "'" + cell
	}
	return cell
}

// Bare takes off what Safe has put there.
func Bare(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && formula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return cell
}

func formula(cell string) bool {
	return cell != "" && strings.ContainsRune(running, []rune(cell)[0]) && !number.MatchString(cell)
}
