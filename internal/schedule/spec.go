package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/dealbell/dealbell/internal/crm"
)

// forms is what an operator may write.
const forms = `write "09:00", "weekdays 09:00", "monday 09:00" or five cron fields such as "0 9 * * 1-5"`

// Spec says at which times of the wall clock a schedule is due.
type Spec struct {
	text  string
	zone  *time.Location
	times *cron.SpecSchedule // on the timeline of the wall, see Spec.after
}

// String returns the spec as it was written.
func (s *Spec) String() string { return s.text }

// Parse reads "09:00", "weekdays 09:00", "mon-fri 09:00", "monday 09:00",
// five cron fields, or a name such as @daily; "TZ=Europe/Madrid " in front
// replaces the zone, which is UTC when nil. As everywhere in cron, a day of
// the month beside a day of the week means either. Every error has a hint.
func Parse(text string, zone *time.Location) (*Spec, error) {
	if zone == nil {
		zone = time.UTC
	}
	words := strings.Fields(text)
	fail := func(err error) (*Spec, error) {
		if _, ok := crm.Hint(err); !ok {
			err = crm.WithHint(err, forms)
		}
		return nil, fmt.Errorf("schedule %q: %w", text, err)
	}
	words, zone, err := cutZone(words, zone)
	if err != nil {
		return fail(err)
	}
	times, err := parseTimes(words)
	if err != nil {
		return fail(err)
	}
	times.Location = time.UTC
	// A fixed year, so that a config is right or wrong whatever the date is.
	if times.Next(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return fail(crm.WithHint(errors.New("never comes: no month has such a day"), "correct the day of the month or the month"))
	}
	return &Spec{text: strings.TrimSpace(text), zone: zone, times: times}, nil
}

// cutZone takes off a zone in front. cron would do so itself, but panics when
// nothing follows it.
func cutZone(words []string, zone *time.Location) ([]string, *time.Location, error) {
	if len(words) == 0 {
		return nil, nil, errors.New("is empty")
	}
	key, name, ok := strings.Cut(words[0], "=")
	if !ok || !strings.EqualFold(key, "TZ") && !strings.EqualFold(key, "CRON_TZ") {
		return words, zone, nil
	}
	zone, err := time.LoadLocation(name)
	switch {
	case err != nil || name == "":
		return nil, nil, crm.WithHint(fmt.Errorf("there is no time zone %q", name), "write the zone as Europe/Madrid or America/New_York")
	case len(words) == 1:
		return nil, nil, crm.WithHint(errors.New("has a time zone but no time"), "add the time: "+words[0]+" 09:00")
	}
	return words[1:], zone, nil
}

func parseTimes(words []string) (*cron.SpecSchedule, error) {
	switch {
	case strings.HasPrefix(words[0], "@"):
		return parseName(strings.Join(words, " "))
	case len(words) <= 2 && strings.Contains(words[len(words)-1], ":"):
		return parseFriendly(words)
	case len(words) == 6:
		return nil, crm.WithHint(errors.New("has six fields"), "there are no seconds here: leave out the first field")
	case len(words) != 5:
		return nil, fmt.Errorf("has %d of five fields", len(words))
	}
	return parseFields(words)
}

// parseName reads names such as @daily.
func parseName(name string) (*cron.SpecSchedule, error) {
	times, err := cron.NewParser(cron.Descriptor | cron.Minute).Parse(strings.ToLower(name))
	if s, ok := times.(*cron.SpecSchedule); ok && err == nil {
		return s, nil
	}
	return nil, crm.WithHint(fmt.Errorf("%s names no time of the day", name), forms+"; every 15 minutes is \"*/15 * * * *\"")
}

// parseFriendly reads a time with or without days in front.
func parseFriendly(words []string) (*cron.SpecSchedule, error) {
	clock, err := time.Parse("15:04", words[len(words)-1])
	if err != nil {
		return nil, crm.WithHint(fmt.Errorf("%q is no time of the day", words[len(words)-1]), "write it as 00:00 to 23:59")
	}
	days := "*"
	if len(words) == 2 {
		if days, err = parseDays(strings.ToLower(words[0])); err != nil {
			return nil, err
		}
	}
	return parseFields([]string{strconv.Itoa(clock.Minute()), strconv.Itoa(clock.Hour()), "*", "*", days})
}

// parseDays turns days such as mon-fri, sat-mon or monday,friday into a cron field.
func parseDays(text string) (string, error) {
	switch text {
	case "daily":
		return "*", nil
	case "weekdays":
		return "1-5", nil
	case "weekends":
		return "0,6", nil
	}
	var days []string
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := weekday(first), weekday(last)
		if from < 0 || to < 0 {
			return "", fmt.Errorf("%q names no days", part)
		}
		for day := from; ; day = (day + 1) % 7 {
			days = append(days, strconv.Itoa(day))
			if day == to {
				break
			}
		}
	}
	return strings.Join(days, ","), nil
}

// weekday returns the number of a day, by its full or its short name; -1 for
// no day.
func weekday(name string) int {
	return slices.IndexFunc([]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"},
		func(full string) bool { return name == full || name == full[:3] })
}

// parseFields reads five fields, each alone, so that an error names its field.
func parseFields(fields []string) (*cron.SpecSchedule, error) {
	for i, field := range []struct {
		name string
		is   cron.ParseOption
	}{
		{"minute", cron.Minute},
		{"hour", cron.Hour},
		{"day of the month", cron.Dom},
		{"month", cron.Month},
		{"day of the week", cron.Dow},
	} {
		if err := checkField(fields[i], field.is); err != nil {
			return nil, fmt.Errorf("%s %q: %w", field.name, fields[i], err)
		}
	}
	times, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, err
	}
	return times.(*cron.SpecSchedule), nil
}

// checkField refuses what cron refuses, and what it reads as something else
// than what was meant.
func checkField(field string, is cron.ParseOption) error {
	for item := range strings.SplitSeq(field, ",") {
		switch {
		case item == "":
			return errors.New("nothing beside a comma")
		case strings.Contains(item, "="):
			return errors.New("a zone belongs in front, once") // cron would panic
		case strings.HasPrefix(item, "*-"), strings.HasPrefix(item, "?-"):
			return errors.New("a range from a star")
		case is == cron.Dow && strings.Contains(item, "7") && !strings.Contains(item, "/"):
			return crm.WithHint(errors.New("there is no day 7"), "Sunday is 0 or sun")
		}
	}
	_, err := cron.NewParser(is).Parse(field)
	return err
}
