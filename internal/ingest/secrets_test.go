package ingest_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/signature"
)

func TestASecretThatHasRunOutLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := openForms(t, func(f *ingest.Form) {
			f.Keys = []signature.Key{{Secret: current, Until: time.Now().Add(time.Hour)}}
		})
		defer d.close()
		if answer := signed(ana).send(d.handler); answer.Code != http.StatusAccepted {
			t.Fatalf("before: %d %s", answer.Code, answer.Body)
		}
		time.Sleep(time.Hour)
		answer := signed(`{"email":"bo@example.com"}`).send(d.handler)
		if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("after: %d %s, want 503: the sender tries again", answer.Code, answer.Body)
		}
		if kept, err := d.db.Quarantined(context.Background()); err != nil || len(kept) != 1 {
			t.Errorf("%d kept, %v, want the body", len(kept), err)
		}
	})
}
