package notion_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
)

// The host is this machine in digits that only browsers take for digits: a
// name that leads inside without a DNS to say so.
func TestANameThatLeadsInsideIsNotAskedUnlessTheOperatorMeansIt(t *testing.T) {
	t.Parallel()
	const name = "①②⑦.⓪.⓪.①"
	var visits atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(errorJSON(404, "object_not_found", "no")))
	}))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := notion.Options{BaseURL: "http://" + name + ":" + port, Rate: fast, Burst: 1000}
	_, err = newClient(t, o).Lane(crm.Live).Page(t.Context(), pageID)
	hint, _ := crm.Hint(err)
	if !errors.Is(err, crm.ErrUnavailable) || !strings.Contains(err.Error(), "leads to 127.0.0.1") || !strings.Contains(hint, "private_hosts") || visits.Load() != 0 {
		t.Errorf("got %v, hint %q, after %d visits; want it refused with the next step", err, hint, visits.Load())
	}
	o.Private = []string{name}
	if _, err = newClient(t, o).Lane(crm.Live).Page(t.Context(), pageID); !errors.Is(err, crm.ErrNotFound) || visits.Load() != 1 {
		t.Errorf("as the operator means it: %v after %d visits, want the server's answer", err, visits.Load())
	}
}
