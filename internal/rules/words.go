package rules

import "strings"

// Words says in a sentence when the rule fires, such as: When Stage becomes
// Won or Lost, if Value > 1000.
func (s Spec) Words() string {
	text := "When " + oneOf(s.When.Property) + " " + s.When.words()
	if s.If != "" {
		text += ", if " + s.If
	}
	return text + "."
}

func (w When) words() string {
	switch {
	case len(w.Becomes) > 0:
		return "becomes " + oneOf(w.Becomes)
	case w.Is == isSet:
		return "is set"
	case w.Is == isCleared:
		return "is cleared"
	}
	text := "changes"
	if w.Changes != nil && len(w.Changes.From) > 0 {
		text += " from " + oneOf(w.Changes.From)
	}
	if w.Changes != nil && len(w.Changes.To) > 0 {
		text += " to " + oneOf(w.Changes.To)
	}
	return text
}

// oneOf lists names with "or" before the last.
func oneOf(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		if shown[i] = name; name == "" {
			shown[i] = "nothing"
		}
	}
	if len(shown) < 2 {
		return strings.Join(shown, "")
	}
	last := len(shown) - 1
	return strings.Join(shown[:last], ", ") + " or " + shown[last]
}
