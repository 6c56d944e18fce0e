package sandbox

import (
	"strings"
	"time"
)

// moment is a day or a point in time, as date properties hold them.
type moment struct {
	at  time.Time
	day bool // without a time
}

type dateRange struct {
	start moment
	end   *moment
}

const dayLayout = "2006-01-02"

// parseMoment reads ISO 8601 as Notion does. Times without an offset are in
// zone.
func parseMoment(s string, zone *time.Location) (moment, bool) {
	if t, err := time.Parse(dayLayout, s); err == nil {
		return moment{at: t, day: true}, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return moment{at: t}, true
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return moment{at: t}, true
		}
	}
	return moment{}, false
}

// String prints a moment as Notion returns it: floored to the minute, with the
// offset.
func (m moment) String() string {
	if m.day {
		return m.at.Format(dayLayout)
	}
	return m.at.Truncate(time.Minute).Format("2006-01-02T15:04:05.000-07:00")
}

// onDay returns the UTC day of a moment.
func (m moment) onDay() time.Time {
	y, month, d := m.at.UTC().Date()
	return time.Date(y, month, d, 0, 0, 0, 0, time.UTC)
}

func encodeDate(v view) any {
	d, ok := v.value().(dateRange)
	if !ok {
		return nil
	}
	var end any
	if d.end != nil {
		end = d.end.String()
	}
	return map[string]any{"start": d.start.String(), "end": end, "time_zone": nil}
}

func dateOperand(v view) operand {
	d, ok := v.value().(dateRange)
	if !ok {
		return operand{empty: true}
	}
	text := d.start.String()
	if d.end != nil {
		text += " → " + d.end.String()
	}
	start := d.start
	start.at = start.at.Truncate(time.Minute)
	return operand{text: text, date: start}
}

func decodeDate(_ *decoder, at path, raw any) (any, error) {
	if raw == nil {
		return nil, nil
	}
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	if err := at.only(obj, "start", "end", "time_zone"); err != nil {
		return nil, err
	}
	zone, err := decodeZone(at.dot("time_zone"), obj["time_zone"])
	if err != nil {
		return nil, err
	}
	start, err := decodeMoment(at.dot("start"), lookup(obj, "start"), zone)
	if err != nil {
		return nil, err
	}
	out := dateRange{start: start}
	if obj["end"] == nil {
		return out, nil
	}
	end, err := decodeMoment(at.dot("end"), obj["end"], zone)
	if err != nil {
		return nil, err
	}
	if end.at.Before(start.at) || end.day != start.day {
		return nil, at.dot("end").refuse("a date of the same form after the start", obj["end"])
	}
	out.end = &end
	return out, nil
}

// decodeZone reads time_zone. With one, the times may not carry an offset of
// their own other than Z.
func decodeZone(at path, raw any) (*time.Location, error) {
	if raw == nil {
		return nil, nil
	}
	name, ok := raw.(string)
	if !ok || name == "" || name == "Local" {
		return nil, at.refuse("a valid IANA time zone or `null`", raw)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, at.refuse("a valid IANA time zone or `null`", raw)
	}
	return zone, nil
}

func decodeMoment(at path, raw any, zone *time.Location) (moment, error) {
	s, ok := raw.(string)
	if !ok {
		if _, missing := raw.(absent); missing {
			return moment{}, at.refuse("defined", raw)
		}
		return moment{}, at.refuse("a string", raw)
	}
	base := zone
	if base == nil {
		base = time.UTC
	}
	m, ok := parseMoment(s, base)
	if !ok {
		return moment{}, at.refuse("a valid ISO 8601 date string", raw)
	}
	if zone == nil {
		return m, nil
	}
	if m.day || hasOffset(s) && zone.String() != "UTC" {
		return moment{}, at.refuse("a date and time without an offset when `time_zone` is given", raw)
	}
	return m, nil
}

func hasOffset(s string) bool {
	_, clock, _ := strings.Cut(s, "T")
	return strings.ContainsAny(clock, "Z+-")
}
