// Package meter counts, and writes the counts as Prometheus reads them
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
//
// It is this small on purpose: Prometheus' own client, with what it brings
// along, makes the binary 2.2 MB larger and an idle daemon 1.6 MB.
package meter

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Kind is a type of metric.
type Kind string

// The kinds of metric.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Family is one metric with all its label values.
type Family struct {
	Name    string
	Kind    Kind
	Help    string
	Labels  []string
	Buckets []float64 // upper bounds of a histogram, ascending
}

// Set holds metrics. Its methods may be called from any goroutine.
type Set struct {
	mu       sync.Mutex
	families []Family // in the order in which they are written
	series   map[string]map[string]*series
}

// series is one metric with one value for each label.
type series struct {
	value   float64 // sum of a histogram
	buckets []uint64
	count   uint64
}

// NewSet returns a set of metrics that are all zero. One without labels is
// written from the start, the others once they were counted.
func NewSet(families ...Family) *Set {
	s := &Set{families: families, series: map[string]map[string]*series{}}
	for _, f := range families {
		s.series[f.Name] = map[string]*series{}
		if len(f.Labels) == 0 {
			s.series[f.Name][""] = &series{buckets: make([]uint64, len(f.Buckets))}
		}
	}
	return s
}

// Add adds to a counter or gauge; the values are those of its labels.
func (s *Set) Add(name string, v float64, values ...string) {
	s.change(name, values, func(_ Family, one *series) { one.value += v })
}

// Put sets a gauge.
func (s *Set) Put(name string, v float64, values ...string) {
	s.change(name, values, func(_ Family, one *series) { one.value = v })
}

// Observe adds an observation to a histogram.
func (s *Set) Observe(name string, v float64, values ...string) {
	s.change(name, values, func(f Family, one *series) {
		one.value += v
		one.count++
		if i, _ := slices.BinarySearch(f.Buckets, v); i < len(f.Buckets) {
			one.buckets[i]++
		}
	})
}

// change panics on a name that is not in the set or on a wrong number of
// values: both are mistakes in the program that the first test finds.
func (s *Set) change(name string, values []string, change func(Family, *series)) {
	i := slices.IndexFunc(s.families, func(f Family) bool { return f.Name == name })
	f := s.families[i]
	var labels strings.Builder
	for j, label := range f.Labels {
		fmt.Fprintf(&labels, `%s="%s",`, label, escape.Replace(values[j]))
	}
	key := strings.TrimSuffix(labels.String(), ",")
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.series[name][key]
	if !ok {
		one = &series{buckets: make([]uint64, len(f.Buckets))}
		s.series[name][key] = one
	}
	change(f, one)
}

// escape is what the format asks of label values.
var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// Write writes all metrics.
func (s *Set) Write(w io.Writer) error {
	var b strings.Builder
	s.mu.Lock()
	for _, f := range s.families {
		all := s.series[f.Name]
		if len(all) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", f.Name, f.Help, f.Name, f.Kind)
		keys := make([]string, 0, len(all))
		for key := range all {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			all[key].write(&b, f, key)
		}
	}
	s.mu.Unlock()
	_, err := io.WriteString(w, b.String())
	return err
}

func (one *series) write(b *strings.Builder, f Family, key string) {
	if f.Kind != Histogram {
		fmt.Fprintf(b, "%s%s %s\n", f.Name, braced(key), number(one.value))
		return
	}
	var sum uint64
	for i, bound := range f.Buckets {
		sum += one.buckets[i]
		fmt.Fprintf(b, "%s_bucket%s %d\n", f.Name, braced(key, `le="`+number(bound)+`"`), sum)
	}
	fmt.Fprintf(b, "%s_bucket%s %d\n", f.Name, braced(key, `le="+Inf"`), one.count)
	fmt.Fprintf(b, "%s_sum%s %s\n%s_count%s %d\n", f.Name, braced(key), number(one.value), f.Name, braced(key), one.count)
}

func braced(labels ...string) string {
	all := strings.Join(slices.DeleteFunc(labels, func(l string) bool { return l == "" }), ",")
	if all == "" {
		return ""
	}
	return "{" + all + "}"
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
