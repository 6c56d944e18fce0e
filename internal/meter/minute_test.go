package meter_test

import (
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/meter"
)

func TestAMinuteForgetsWhatIsOlder(t *testing.T) {
	t.Parallel()
	var m meter.Minute
	start := time.Unix(1_800_000_000, 0)
	for s := range 90 {
		m.Add(start.Add(time.Duration(s) * time.Second))
		m.Add(start.Add(time.Duration(s)*time.Second + 500*time.Millisecond))
	}
	for after, want := range map[int]int{89: 120, 99: 100, 148: 2, 149: 0, 500: 0} {
		if got := m.Count(start.Add(time.Duration(after) * time.Second)); got != want {
			t.Errorf("after %d s: %d, want %d", after, got, want)
		}
	}
}
