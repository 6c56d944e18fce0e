package web

import (
	"cmp"
	"fmt"
)

// The room of a chart, in units of its own.
const (
	chartWidth  = 600
	chartHeight = 100
)

// chart is a row of bars, drawn as SVG without any script.
type chart struct {
	What      string
	One, Many string // what is counted
	Bars      []bar

	Width, Height int
	Sum, Top      int      // of all values, and the highest
	Marks         []string // labels below: of the first, the middle and the last bar
	Alt           string
}

type bar struct {
	Label string
	Value int

	X, Y, W, H float64
}

// Says is the bar in words.
func (c chart) Says(b bar) string { return b.Label + ": " + count(b.Value, c.One, c.Many) }

// drawn places the bars.
func (c chart) drawn() chart {
	c.Width, c.Height = chartWidth, chartHeight
	most := 0
	for i, b := range c.Bars {
		c.Sum += b.Value
		if b.Value > c.Bars[most].Value {
			most = i
		}
	}
	if len(c.Bars) == 0 {
		return c
	}
	c.Top = c.Bars[most].Value
	step := float64(chartWidth) / float64(len(c.Bars))
	for i := range c.Bars {
		b := &c.Bars[i]
		b.X, b.W = step*float64(i)+step*.12, step*.76
		b.H = chartHeight * float64(b.Value) / float64(max(1, c.Top))
		if b.Value > 0 {
			b.H = max(b.H, 2)
		}
		b.Y = chartHeight - b.H
	}
	last := c.Bars[len(c.Bars)-1]
	c.Marks = []string{c.Bars[0].Label, c.Bars[len(c.Bars)/2].Label, last.Label}
	c.Alt = fmt.Sprintf("%s: %s in all", c.What, count(c.Sum, c.One, c.Many))
	if c.Sum > 0 {
		c.Alt += fmt.Sprintf(", most on %s (%s)", c.Bars[most].Label, number(c.Top))
	}
	c.Alt += ", " + cmp.Or(last.Label, "last") + ": " + number(last.Value) + "."
	return c
}
