package sandbox

import (
	"strings"
	"time"
)

// condition tests one value.
type condition func(operand) bool

// argument is what a condition is compared with.
type argument struct {
	f    compiler
	at   path
	prop *property // nil for timestamps
	raw  any
}

type compileCondition func(argument) (condition, error)

// conditions are the filter keys with the conditions each one knows.
func conditions() map[string]map[string]compileCondition {
	text := map[string]compileCondition{
		"equals":           onText(func(o operand, s string) bool { return o.text == s }),
		"does_not_equal":   onText(func(o operand, s string) bool { return o.text != s }),
		"contains":         onText(func(o operand, s string) bool { return fold(strings.Contains, o.text, s) }),
		"does_not_contain": onText(func(o operand, s string) bool { return !fold(strings.Contains, o.text, s) }),
		"starts_with":      onText(func(o operand, s string) bool { return fold(strings.HasPrefix, o.text, s) }),
		"ends_with":        onText(func(o operand, s string) bool { return fold(strings.HasSuffix, o.text, s) }),
	}
	number := map[string]compileCondition{
		"equals":                   onNumber(func(o operand, n float64) bool { return !o.empty && o.number == n }),
		"does_not_equal":           onNumber(func(o operand, n float64) bool { return o.empty || o.number != n }),
		"greater_than":             onNumber(func(o operand, n float64) bool { return !o.empty && o.number > n }),
		"greater_than_or_equal_to": onNumber(func(o operand, n float64) bool { return !o.empty && o.number >= n }),
		"less_than":                onNumber(func(o operand, n float64) bool { return !o.empty && o.number < n }),
		"less_than_or_equal_to":    onNumber(func(o operand, n float64) bool { return !o.empty && o.number <= n }),
	}
	choice := map[string]compileCondition{
		"equals":         onOptions(func(o operand, names []string) bool { return !o.empty && contains(names, o.text) }),
		"does_not_equal": onOptions(func(o operand, names []string) bool { return o.empty || !contains(names, o.text) }),
	}
	choices := map[string]compileCondition{
		"contains":         onOptions(func(o operand, names []string) bool { return anyIn(o.list, names) }),
		"does_not_contain": onOptions(func(o operand, names []string) bool { return !anyIn(o.list, names) }),
	}
	references := map[string]compileCondition{
		"contains":         onID(func(o operand, id string) bool { return contains(o.list, id) }),
		"does_not_contain": onID(func(o operand, id string) bool { return !contains(o.list, id) }),
	}
	dates := dateConditions()
	for _, group := range []map[string]compileCondition{text, number, choice, choices, references, dates} {
		group["is_empty"] = onTrue(func(o operand) bool { return o.empty })
		group["is_not_empty"] = onTrue(func(o operand) bool { return !o.empty })
	}
	checkbox := map[string]compileCondition{
		"equals":         onBool(func(o operand, b bool) bool { return o.flag == b }),
		"does_not_equal": onBool(func(o operand, b bool) bool { return o.flag != b }),
	}
	files := map[string]compileCondition{"is_empty": text["is_empty"], "is_not_empty": text["is_not_empty"]}
	return map[string]map[string]compileCondition{
		"title": text, "rich_text": text, "url": text, "email": text, "phone_number": text,
		"number": number, "unique_id": number, "checkbox": checkbox, "files": files,
		"select": choice, "status": choice, "multi_select": choices,
		"people": references, "relation": references, "created_by": references, "last_edited_by": references,
		"date": dates, "created_time": dates, "last_edited_time": dates,
	}
}

// fold compares without case, as the app's search for parts of text does.
// Equality does not fold: nothing promises that it would.
func fold(compare func(string, string) bool, s, part string) bool {
	return compare(strings.ToLower(s), strings.ToLower(part))
}

func anyIn(list, names []string) bool {
	for _, n := range names {
		if contains(list, n) {
			return true
		}
	}
	return false
}

func onText(holds func(operand, string) bool) compileCondition {
	return func(a argument) (condition, error) {
		s, ok := a.raw.(string)
		if !ok {
			return nil, a.at.refuse("a string", a.raw)
		}
		return func(o operand) bool { return holds(o, s) }, nil
	}
}

func onNumber(holds func(operand, float64) bool) compileCondition {
	return func(a argument) (condition, error) {
		n, ok := a.raw.(float64)
		if !ok {
			return nil, a.at.refuse("a number", a.raw)
		}
		return func(o operand) bool { return holds(o, n) }, nil
	}
}

func onBool(holds func(operand, bool) bool) compileCondition {
	return func(a argument) (condition, error) {
		b, ok := a.raw.(bool)
		if !ok {
			return nil, a.at.refuse("a boolean", a.raw)
		}
		return func(o operand) bool { return holds(o, b) }, nil
	}
}

func onTrue(holds condition) compileCondition {
	return func(a argument) (condition, error) {
		if a.raw != true {
			return nil, a.at.refuse("`true`", a.raw)
		}
		return holds, nil
	}
}

// onOptions takes one name or several. A name that is no option is refused:
// the question is a mistake, not an empty result.
func onOptions(holds func(operand, []string) bool) compileCondition {
	return func(a argument) (condition, error) {
		items, ok := a.raw.([]any)
		if !ok {
			items = []any{a.raw}
		}
		var names []string
		for _, item := range items {
			name, ok := item.(string)
			if !ok {
				return nil, a.at.refuse("a string", a.raw)
			}
			if a.prop.optionNamed(name) == nil {
				return nil, invalid("%s option %q not found for property %q.", a.prop.kind, name, a.prop.name)
			}
			names = append(names, name)
		}
		return func(o operand) bool { return holds(o, names) }, nil
	}
}

func onID(holds func(operand, string) bool) compileCondition {
	return func(a argument) (condition, error) {
		if a.raw == "me" && a.prop.kind != "relation" {
			id := a.f.w.bot.id
			return func(o operand) bool { return holds(o, id) }, nil
		}
		id, err := a.at.uuid(a.raw)
		if err != nil {
			return nil, err
		}
		return func(o operand) bool { return holds(o, id) }, nil
	}
}

func dateConditions() map[string]compileCondition {
	const day = 24 * time.Hour
	return map[string]compileCondition{
		"equals":       onDate(func(c int) bool { return c == 0 }),
		"before":       onDate(func(c int) bool { return c < 0 }),
		"after":        onDate(func(c int) bool { return c > 0 }),
		"on_or_before": onDate(func(c int) bool { return c <= 0 }),
		"on_or_after":  onDate(func(c int) bool { return c >= 0 }),
		"past_week":    onWindow(-7*day, 0), "past_month": onWindow(-30*day, 0), "past_year": onWindow(-365*day, 0),
		"next_week": onWindow(0, 7*day), "next_month": onWindow(0, 30*day), "next_year": onWindow(0, 365*day),
		"this_week": onThisWeek,
	}
}

// relativeDays are the names that a date filter takes instead of a date.
func relativeDays() map[string][3]int {
	return map[string][3]int{
		"today": {}, "tomorrow": {0, 0, 1}, "yesterday": {0, 0, -1},
		"one_week_ago": {0, 0, -7}, "one_week_from_now": {0, 0, 7},
		"one_month_ago": {0, -1, 0}, "one_month_from_now": {0, 1, 0},
	}
}

// onDate compares by day when the filter names a day, else by the instant.
// Equality with an instant is by the minute, which is all that a page keeps.
func onDate(holds func(int) bool) compileCondition {
	return func(a argument) (condition, error) {
		s, ok := a.raw.(string)
		if !ok {
			return nil, a.at.refuse("a string", a.raw)
		}
		m, ok := parseMoment(s, time.UTC)
		if shift, relative := relativeDays()[s]; relative {
			m, ok = moment{at: a.f.c.now.UTC().AddDate(shift[0], shift[1], shift[2]), day: true}, true
		}
		if !ok {
			return nil, a.at.refuse("a valid ISO 8601 date string", a.raw)
		}
		return func(o operand) bool {
			switch {
			case o.empty:
				return false
			case m.day:
				return holds(o.date.onDay().Compare(m.onDay()))
			case holds(0) && !holds(1) && !holds(-1):
				return o.date.at.Equal(m.at.Truncate(time.Minute))
			default:
				return holds(o.date.at.Compare(m.at))
			}
		}, nil
	}
}

func onWindow(from, to time.Duration) compileCondition {
	return func(a argument) (condition, error) {
		now := moment{at: a.f.c.now}.onDay()
		return within(a, now.Add(from), now.Add(to+24*time.Hour))
	}
}

func onThisWeek(a argument) (condition, error) {
	today := moment{at: a.f.c.now}.onDay()
	sunday := today.AddDate(0, 0, -int(today.Weekday()))
	return within(a, sunday, sunday.AddDate(0, 0, 7))
}

func within(a argument, from, to time.Time) (condition, error) {
	obj, err := a.at.object(a.raw)
	if err != nil {
		return nil, err
	}
	return func(o operand) bool {
		return !o.empty && !o.date.at.Before(from) && o.date.at.Before(to)
	}, a.at.only(obj)
}
