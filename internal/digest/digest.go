package digest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

// mostRows is how many rows a digest may name: all of them are kept in memory
// until its text is made.
const mostRows = 1000

// Digest is a digest that is right in itself. Whether it fits its database,
// Bind tells.
type Digest struct {
	name     string
	database string // id
	spec     Spec
	filter   *rules.Filter // nil takes all
	sort     []order
	head     *rules.Template
	line     *rules.Template
	moved    *rules.Template // a row of a pipeline that moved
	stuck    *rules.Template // and one that did not
}

// Compile checks a digest as far as that is possible without its database,
// whose id may be "". The error names the digest, the field and the place.
func Compile(name, databaseID string, s Spec) (*Digest, error) {
	d := &Digest{name: name, database: databaseID, spec: s.complete()}
	for _, step := range []func() error{d.checkNames, d.checkNumbers, d.checkPipeline, d.compileFilter, d.compileSort, d.compileTexts} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("digest %q: %w", name, err)
		}
	}
	return d, nil
}

// complete fills in what the operator may leave out.
func (s Spec) complete() Spec {
	for _, field := range []*string{&s.Schedule, &s.Database, &s.Channel, &s.Owner, &s.Stage, &s.Value} {
		*field = strings.TrimSpace(*field)
	}
	s.Channel = cmp.Or(s.Channel, defaultChannel)
	s.Limit = cmp.Or(s.Limit, defaultLimit)
	text, line := defaultText, defaultLine
	if s.Stage != "" {
		text, line = pipelineText, pipelineLine
	}
	if s.Stage != "" && s.Value != "" {
		text, line = text+pipelineValue, line+pipelineValue
	}
	if strings.TrimSpace(s.Text) == "" {
		s.Text = text
	}
	if strings.TrimSpace(s.Line) == "" {
		s.Line = line
	}
	return s
}

func (d *Digest) checkNames() error {
	switch {
	case d.Off() && d.spec.Schedule == "" && d.spec.Database == "":
		return crm.WithHint(errors.New("off: there is no default digest of this name"),
			"default digests: "+strings.Join(slices.Sorted(maps.Keys(Standard())), ", "))
	case d.spec.Schedule == "":
		return crm.WithHint(errors.New("schedule: is missing"), "write for example schedule: weekdays 09:00")
	case d.spec.Database == "":
		return crm.WithHint(errors.New("database: is missing"), "write for example database: deals")
	}
	return nil
}

func (d *Digest) checkNumbers() error {
	if d.spec.Limit < 1 || d.spec.Limit > mostRows {
		return crm.WithHint(fmt.Errorf("limit: must be from 1 to %d, and is %d", mostRows, d.spec.Limit), "leave it out for 10")
	}
	if d.spec.StuckDays < 0 {
		return crm.WithHint(fmt.Errorf("stuck_days: must not be negative, and is %d", d.spec.StuckDays), "write for example stuck_days: 30")
	}
	return nil
}

func (d *Digest) checkPipeline() error {
	if d.spec.Stage == "" {
		for field, given := range map[string]bool{"value": d.spec.Value != "", "stuck_days": d.spec.StuckDays > 0, "closed": len(d.spec.Closed) > 0} {
			if given {
				return crm.WithHint(fmt.Errorf("%s: belongs to a pipeline, which has a stage", field), "write for example stage: Stage")
			}
		}
		return nil
	}
	if d.spec.Owner != "" || len(d.spec.Sort) > 0 {
		return crm.WithHint(errors.New("stage: a pipeline has neither owner nor sort"), "make a second digest without stage, value, stuck_days and closed")
	}
	return nil
}

func (d *Digest) compileFilter() (err error) {
	if strings.TrimSpace(d.spec.Filter) == "" {
		return nil
	}
	if d.filter, err = rules.CompileFilter(d.spec.Filter); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

func (d *Digest) compileSort() error {
	for _, text := range d.spec.Sort {
		o, err := parseOrder(text)
		if err != nil {
			return fmt.Errorf("sort: %w", err)
		}
		d.sort = append(d.sort, o)
	}
	return nil
}

func (d *Digest) compileTexts() (err error) {
	head, line := []string{"Name", "Count", "Shown"}, []string(nil)
	if d.pipeline() {
		head, line = []string{"Name", "Count", "Value"}, []string{"Stage", "Count", "Value"}
	}
	if d.head, err = rules.ParseTemplate("text", d.spec.Text, head...); err != nil {
		return err
	}
	if names := d.head.Names(); len(names) > 0 {
		return crm.WithHint(fmt.Errorf("text: speaks of many rows, so property %q has no place in it", names[0]), "put it into line")
	}
	if d.line, err = rules.ParseTemplate("line", d.spec.Line, line...); err != nil {
		return err
	}
	if names := d.line.Names(); d.pipeline() && len(names) > 0 {
		return crm.WithHint(fmt.Errorf("line: speaks of a stage, so property %q has no place in it", names[0]), "fields: .Stage, .Count, .Value")
	}
	if d.moved, err = rules.ParseTemplate("moved", movedLine, "From", "To"); err != nil {
		return err
	}
	d.stuck, err = rules.ParseTemplate("stuck", stuckLine, "Stage", "Days", "AtLeast")
	return err
}

// Name returns the name of the digest.
func (d *Digest) Name() string { return d.name }

// Schedule returns when it is due, as configured.
func (d *Digest) Schedule() string { return d.spec.Schedule }

// Database returns the id of the database whose rows it names.
func (d *Digest) Database() string { return d.database }

// Channel returns the channel, as configured, that it goes to.
func (d *Digest) Channel() string { return d.spec.Channel }

// Off reports whether the digest is switched off.
func (d *Digest) Off() bool { return d.spec.Off != nil && *d.spec.Off }

// pipeline reports whether it is about stages.
func (d *Digest) pipeline() bool { return d.spec.Stage != "" }
