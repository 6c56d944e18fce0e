package signature_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

func TestEveryNameIsAScheme(t *testing.T) {
	t.Parallel()
	want := strings.Fields("own standard-webhooks notion slack github stripe shopify typeform tally framer webflow " +
		"formspree calcom calendly hubspot-v1 hubspot-v3 opnform outpost static")
	if got := signature.Names(); !slices.Equal(got, want) {
		t.Errorf("Names = %q, want %q", got, want)
	}
	for _, name := range want {
		s, known := signature.Named(name)
		if !known || name != "static" && len(s.Headers()) == 0 {
			t.Errorf("%s: known %t, headers %q", name, known, s.Headers())
		}
		if s.SignsURL() != (name == "hubspot-v3") {
			t.Errorf("%s: SignsURL = %t", name, s.SignsURL())
		}
	}
	for _, name := range []string{"", "Stripe", "paypal"} {
		if _, known := signature.Named(name); known {
			t.Errorf("%q is a scheme", name)
		}
	}
}

func TestCheckKeyTellsWhatCanNeverBeRight(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ scheme, key, want string }{
		{"own", "any text", ""},
		{"own", "", "empty"},
		{"standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ""},
		{"standard-webhooks", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ""},
		{"standard-webhooks", "whsec_AQIDBA==", ""},
		{"standard-webhooks", "whsec_AQIDBA", ""},
		{"standard-webhooks", "whsec_", "not base64"},
		{"standard-webhooks", "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not base64"},
		{"standard-webhooks", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not base64"},
		{"standard-webhooks", "", "empty"},
		{"stripe", "whsec_!", ""},
		{"outpost", "whsec_!", ""},
		{"calcom", "no-secret-provided", "when it has none"},
		{"own", "no-secret-provided", ""},
		{"static", "", "empty"},
	} {
		s, _ := signature.Named(tc.scheme)
		err := s.CheckKey(secret.New(tc.key))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: CheckKey(%q) = %v, want %q", tc.scheme, tc.key, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "MfKQ9r8") {
			t.Errorf("%s: CheckKey tells the secret: %v", tc.scheme, err)
		}
		if _, unusable := s.Verify(signature.Request{Header: someSignature(s)}, signature.Keys(secret.New(tc.key)), now); (unusable == signature.ErrNoSecret) != (tc.want != "") { //nolint:errorlint // exactly this one
			t.Errorf("%s: Verify = %v with the key %q", tc.scheme, unusable, tc.key)
		}
	}
}

// someSignature makes every header say something.
func someSignature(s signature.Scheme) map[string][]string {
	h := map[string][]string{"X-Webhook-Token": {"guess"}}
	for _, name := range s.Headers() {
		h[name] = []string{"guess"}
	}
	return h
}
