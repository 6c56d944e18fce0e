package meter_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/meter"
)

func families() []meter.Family {
	return []meter.Family{
		{Name: "leads", Kind: meter.Counter, Help: "Leads."},
		{Name: "requests", Kind: meter.Counter, Help: "Requests.", Labels: []string{"endpoint", "status"}},
		{Name: "seconds", Kind: meter.Histogram, Help: "Seconds.", Labels: []string{"endpoint"}, Buckets: []float64{.5, 1}},
		{Name: "waiting", Kind: meter.Gauge, Help: "Waiting.", Labels: []string{"lane"}},
		{Name: "whole_seconds", Kind: meter.Histogram, Help: "All.", Buckets: []float64{10}},
	}
}

func TestWhatIsCountedIsWritten(t *testing.T) {
	t.Parallel()
	s := meter.NewSet(families()...)
	s.Add("leads", 2)
	s.Add("requests", 1, "GET pages/{id}", "200")
	s.Add("requests", 1, "GET pages/{id}", "200")
	s.Add("requests", 1, "a \"quoted\"\n\\ name", "0")
	for _, v := range []float64{.1, .5, .7, 3} {
		s.Observe("seconds", v, "GET")
	}
	s.Put("waiting", 5, "live")
	s.Put("waiting", 0.25, "live")
	var b strings.Builder
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `# HELP leads Leads.
# TYPE leads counter
leads 2
# HELP requests Requests.
# TYPE requests counter
requests{endpoint="GET pages/{id}",status="200"} 2
requests{endpoint="a \"quoted\"\n\\ name",status="0"} 1
# HELP seconds Seconds.
# TYPE seconds histogram
seconds_bucket{endpoint="GET",le="0.5"} 2
seconds_bucket{endpoint="GET",le="1"} 3
seconds_bucket{endpoint="GET",le="+Inf"} 4
seconds_sum{endpoint="GET"} 4.3
seconds_count{endpoint="GET"} 4
# HELP waiting Waiting.
# TYPE waiting gauge
waiting{lane="live"} 0.25
# HELP whole_seconds All.
# TYPE whole_seconds histogram
whole_seconds_bucket{le="10"} 0
whole_seconds_bucket{le="+Inf"} 0
whole_seconds_sum 0
whole_seconds_count 0
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyMayCountAtOnce(t *testing.T) {
	t.Parallel()
	s := meter.NewSet(families()...)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				s.Add("requests", 1, "GET", "200")
				s.Observe("whole_seconds", 1)
			}
		})
	}
	all.Wait()
	var b strings.Builder
	if err := s.Write(&b); err != nil || !strings.Contains(b.String(), `requests{endpoint="GET",status="200"} 8000`) || !strings.Contains(b.String(), `whole_seconds_bucket{le="10"} 8000`) {
		t.Errorf("%v\n%s", err, b.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestALostReaderIsTold(t *testing.T) {
	t.Parallel()
	if err := meter.NewSet().Write(broken{}); err == nil {
		t.Error("writing to a reader that is gone went well")
	}
}
