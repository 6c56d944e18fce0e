package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/secret"
)

func TestStringNeverPrintsItsValue(t *testing.T) {
	t.Parallel()
	const canary = "xoxb-canary"
	s := secret.New(canary)
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("start", "token", s, "config", struct{ Token secret.String }{s})
	encoded, err := json.Marshal(map[string]any{"token": s})
	if err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{
		"%v": fmt.Sprintf("%v", s), "String": s.String(), "%q": fmt.Sprintf("%q", s),
		"%#v": fmt.Sprintf("%#v", s), "%+v in a struct": fmt.Sprintf("%+v", struct{ T secret.String }{s}),
		"%+v in an unexported field": fmt.Sprintf("%+v", struct{ t secret.String }{s}),
		"pointer":                    fmt.Sprintf("%v", &s), "slog": logged.String(), "json": string(encoded),
	} {
		if strings.Contains(out, canary) {
			t.Errorf("%s prints the value: %s", name, out)
		}
		if name == "%+v in an unexported field" {
			continue // fmt cannot call methods there: it prints an address
		}
		if !strings.Contains(out, "redacted") {
			t.Errorf("%s = %q, want it marked as redacted", name, out)
		}
	}
	if s.Reveal() != canary {
		t.Errorf("Reveal() = %q, want %q", s.Reveal(), canary)
	}
}
