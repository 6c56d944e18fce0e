package crm_test

import (
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "1 second", 400 * time.Millisecond: "1 second", time.Second: "1 second", -12 * time.Second: "12 seconds", 89 * time.Second: "89 seconds",
		90 * time.Second: "2 minutes", 2*time.Minute + 29*time.Second: "2 minutes", 89 * time.Minute: "89 minutes", 90 * time.Minute: "2 hours",
		35 * time.Hour: "35 hours", 36 * time.Hour: "2 days", 400 * 24 * time.Hour: "400 days",
	} {
		if got := crm.Span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
