package crm_test

import (
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 seconds", 400 * time.Millisecond: "0 seconds", time.Second: "1 second", -12 * time.Second: "12 seconds", 56 * time.Second: "56 seconds",
		58 * time.Second: "1 minute", 90 * time.Second: "1 minute", 2 * time.Minute: "2 minutes", 59 * time.Minute: "1 hour", 3*time.Hour + 10*time.Minute: "3 hours",
		23*time.Hour + 59*time.Minute: "1 day", 72 * time.Hour: "3 days",
	} {
		if got := crm.Span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
