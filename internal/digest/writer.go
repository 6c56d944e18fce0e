package digest

import (
	"fmt"

	"github.com/dealbell/dealbell/internal/rules"
)

// writer collects rendered lines, until the first error.
type writer struct {
	context rules.Context
	lines   []string
	more    int // rows of the section that are not named
	err     error
}

// line renders one line.
func (w *writer) line(t *rules.BoundTemplate, row rules.Row, fields map[string]any) string {
	if w.err != nil {
		return ""
	}
	var text string
	text, w.err = t.Execute(row, w.context, fields)
	return text
}

func (w *writer) add(t *rules.BoundTemplate, row rules.Row, fields map[string]any) {
	w.lines = append(w.lines, w.line(t, row, fields))
}

// section begins a part about so many rows, if there are any.
func (w *writer) section(title string, rows, named int) {
	if rows > 0 {
		w.lines = append(w.lines, title)
	}
	w.more = rows - named
}

// rest ends a section.
func (w *writer) rest() {
	if w.more > 0 {
		w.lines = append(w.lines, fmt.Sprintf("… and %d more", w.more))
	}
	w.more = 0
}
