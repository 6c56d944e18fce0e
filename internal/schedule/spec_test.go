package schedule_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // machines without zoneinfo

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/schedule"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func spec(t testing.TB, text, in string) *schedule.Spec {
	t.Helper()
	s, err := schedule.Parse(text, zone(t, in))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// slots returns the names of the next n slots.
func slots(s *schedule.Spec, after time.Time, n int) string {
	var names []string
	for range n {
		slot := s.Next(after)
		names = append(names, slot.Name)
		after = slot.At
	}
	return strings.Join(names, " ")
}

func TestParseUnderstands(t *testing.T) {
	t.Parallel()
	friday := time.Date(2026, 11, 20, 12, 0, 0, 0, zone(t, "Europe/Madrid"))
	for text, want := range map[string]string{
		"09:00":                           "2026-11-21T09:00 2026-11-22T09:00",
		"9:05":                            "2026-11-21T09:05 2026-11-22T09:05",
		" 23:59 ":                         "2026-11-20T23:59 2026-11-21T23:59",
		"daily 09:00":                     "2026-11-21T09:00 2026-11-22T09:00",
		"Weekdays 09:00":                  "2026-11-23T09:00 2026-11-24T09:00",
		"weekends 09:00":                  "2026-11-21T09:00 2026-11-22T09:00 2026-11-28T09:00",
		"MON-FRI 09:00":                   "2026-11-23T09:00 2026-11-24T09:00",
		"fri-mon 09:00":                   "2026-11-21T09:00 2026-11-22T09:00 2026-11-23T09:00 2026-11-27T09:00",
		"Monday 09:00":                    "2026-11-23T09:00 2026-11-30T09:00",
		"sunday,wed 09:00":                "2026-11-22T09:00 2026-11-25T09:00",
		"0 9 * * *":                       "2026-11-21T09:00 2026-11-22T09:00",
		"0 9 * * MON":                     "2026-11-23T09:00 2026-11-30T09:00",
		"0 9 * * 0":                       "2026-11-22T09:00 2026-11-29T09:00",
		"0 9 1 * MON":                     "2026-11-23T09:00 2026-11-30T09:00 2026-12-01T09:00", // either, as in every cron
		"*/15 9-10 * jan ?":               "2027-01-01T09:00 2027-01-01T09:15",
		"0 0 29 2 *":                      "2028-02-29T00:00 2032-02-29T00:00",
		"@daily":                          "2026-11-21T00:00 2026-11-22T00:00",
		"@Monthly":                        "2026-12-01T00:00 2027-01-01T00:00",
		"TZ=America/New_York 09:00":       "2026-11-20T09:00 2026-11-21T09:00",
		"CRON_TZ=Asia/Kolkata 0 9 * * *":  "2026-11-21T09:00 2026-11-22T09:00",
		"tz=Asia/Kolkata weekdays 17:00 ": "2026-11-20T17:00 2026-11-23T17:00",
	} {
		s, err := schedule.Parse(text, friday.Location())
		if err != nil {
			t.Error(err)
			continue
		}
		if got := slots(s, friday, strings.Count(want, " ")+1); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
		if s.String() != strings.TrimSpace(text) {
			t.Errorf("%q shows as %q", text, s)
		}
	}
}

func TestParseRefusesWithAReasonAndAHint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ reason, hint string }{
		"":                             {"is empty", "09:00"},
		"  ":                           {"is empty", "09:00"},
		"tomorrow":                     {"1 of five fields", "five cron fields"},
		"9 * * *":                      {"4 of five fields", "five cron fields"},
		"0 9 * * * * *":                {"7 of five fields", "five cron fields"},
		"30 0 9 * * *":                 {"six fields", "no seconds"},
		"60 9 * * *":                   {`minute "60"`, "five cron fields"},
		"0 24 * * *":                   {`hour "24"`, "five cron fields"},
		"0 9 0 * *":                    {`day of the month "0"`, "five cron fields"},
		"0 9 * foo *":                  {`month "foo"`, "five cron fields"},
		"0 9 * * 7":                    {`day of the week "7"`, "Sunday is 0"},
		"0 9 * * 1-7":                  {`day of the week "1-7"`, "Sunday is 0"},
		"0 9 * * fri-mon":              {`day of the week "fri-mon"`, "five cron fields"},
		"0 9, * * *":                   {`hour "9,"`, "five cron fields"},
		"*-5 9 * * *":                  {"range from a star", "five cron fields"},
		"*/0 * * * *":                  {`minute "*/0"`, "five cron fields"},
		"24:00":                        {`"24:00" is no time`, "23:59"},
		"09:00:00":                     {"no time of the day", "23:59"},
		"someday 09:00":                {`"someday" names no days`, "monday 09:00"},
		"mon- 09:00":                   {"names no days", "monday 09:00"},
		"@every 1h":                    {"no time of the day", "*/15"},
		"@every 500ms":                 {"no time of the day", "*/15"},
		"@reboot":                      {"no time of the day", "09:00"},
		"0 0 31 2 *":                   {"never comes", "day of the month"},
		"0 0 31 4,6,9,11 *":            {"never comes", "day of the month"},
		"TZ=Europe/Madrid":             {"has a time zone but no time", "TZ=Europe/Madrid 09:00"},
		"CRON_TZ=Europe/Madrid ":       {"has a time zone but no time", "CRON_TZ=Europe/Madrid 09:00"},
		"TZ= 09:00":                    {"no time zone", "Europe/Madrid"},
		"TZ=Europe/Atlantis 09:00":     {`no time zone "Europe/Atlantis"`, "Europe/Madrid"},
		"TZ=../etc/passwd 09:00":       {"no time zone", "Europe/Madrid"},
		"TZ=UTC TZ=Asia/Tokyo 9 * * *": {"a zone belongs in front", "five cron fields"},
	} {
		_, err := schedule.Parse(text, time.UTC)
		if err == nil {
			t.Errorf("%q was accepted", text)
			continue
		}
		hint, _ := crm.Hint(err)
		if !strings.Contains(err.Error(), want.reason) || !strings.Contains(hint, want.hint) {
			t.Errorf("%q: got %q, hint %q; want %q, hint %q", text, err, hint, want.reason, want.hint)
		}
	}
}

func TestALeapDayNear2100IsWaitedForWithoutHaste(t *testing.T) {
	t.Parallel()
	if slot := spec(t, "0 0 29 2 *", "UTC").Next(time.Date(2097, 1, 1, 0, 0, 0, 0, time.UTC)); slot != (schedule.Slot{}) {
		t.Errorf("got %v, want none within five years", slot)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"09:00", "weekdays 09:00", "0 9 * * 1-5", "*/5,7 1-2/3 ? jan-mar sun", "@daily", "@every 1s", "TZ=Europe/Madrid", "TZ=", "=",
		"TZ=UTC TZ=Asia/Tokyo * * * *", "TZ=UTC @", "CRON_TZ=Asia/Beirut 00:00", "TZ=UTC * * * * TZ=UTC", "* * * * */99999999999999999999", ", , , , ,", "-", "/",
	} {
		f.Add(text)
	}
	beirut := zone(f, "Asia/Beirut")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schedule.Parse(text, beirut)
		if err != nil {
			if hint, ok := crm.Hint(err); !ok || hint == "" {
				t.Errorf("no hint with %q", err)
			}
			return
		}
		after := time.Date(2022, 3, 26, 22, 0, 0, 0, time.UTC) // midnight is missing
		if slot := s.Next(after); !slot.At.After(after) || slot.Name == "" {
			t.Errorf("%q: got %v after %v", text, slot, after)
		}
	})
}
