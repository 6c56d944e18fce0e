package web

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dealbell/dealbell/internal/rules"
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
	Percent   bool   // values are shares, which have no sum
	Bars      []bar

	Width, Height int
	Sum, Top      int      // of all values, and the highest
	Marks         []string // labels below: of the first, the middle and the last bar
	Alt           string
}

type bar struct {
	Label string
	Value int
	None  bool // there is nothing of which to have a share

	X, Y, W, H float64
}

// Says is the bar in words.
func (c chart) Says(b bar) string {
	switch {
	case b.None:
		return b.Label + ": none"
	case c.Percent:
		return b.Label + ": " + number(b.Value) + "%"
	}
	return b.Label + ": " + rules.Count(b.Value, c.One, c.Many)
}

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
	if c.Top = c.Bars[most].Value; c.Percent {
		c.Top = 100
	}
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
	if c.Alt = c.summary(c.Bars[most], last); c.Percent {
		c.Alt = c.shares()
	}
	return c
}

// summary says what a chart of counts shows.
func (c chart) summary(most, last bar) string {
	text := fmt.Sprintf("%s: %s in all", c.What, rules.Count(c.Sum, c.One, c.Many))
	if c.Sum > 0 {
		text += fmt.Sprintf(", most on %s (%s)", most.Label, number(c.Top))
	}
	return text + ", " + cmp.Or(last.Label, "last") + ": " + number(last.Value) + "."
}

// shares says what a chart of shares shows.
func (c chart) shares() string {
	var said []string
	for _, b := range c.Bars {
		if !b.None {
			said = append(said, c.Says(b))
		}
	}
	return c.What + ". " + strings.Join(said, ", ") + "."
}
