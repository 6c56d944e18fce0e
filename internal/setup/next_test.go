package setup_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/setup"
)

// command is what a person copies to send the first lead.
func command(t *testing.T, n setup.Next) string {
	t.Helper()
	_, rest, found := strings.Cut(n.String(), "see it in Notion:\n\n")
	block, _, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("there is no command:\n%s", n)
	}
	return strings.ReplaceAll(strings.TrimPrefix(block, "   "), "\n   ", "\n")
}

// The README promises the command that is printed.
func TestTheReadmeShowsTheCommandThatIsPrinted(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := command(t, setup.Next{Dir: "/etc/dealbell", Listen: "127.0.0.1:3000", Service: true})
	if !strings.Contains(strings.ReplaceAll(string(readme), "\n   ", "\n"), want) {
		t.Errorf("the README does not show\n%s", want)
	}
}

func TestTheCommandSignsInAnyDirectory(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"crm", "my crm", "it's", "a$b"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := setup.WriteFile(filepath.Join(dir, setup.EnvName), "FORM_SECRET=new,old\n"); err != nil {
			t.Fatal(err)
		}
		script := strings.Replace(command(t, setup.Next{Dir: dir, Listen: "127.0.0.1:3000"}), "curl http://127.0.0.1:3000/lead", "printf '%s\\n'", 1)
		shown := exec.CommandContext(t.Context(), "sh", "-c", `openssl() { echo "$*" >&2; cat >&2; echo SHA2-256= cafe; }; `+script)
		out, err := shown.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "dgst -sha256 -hmac new\n") || !strings.Contains(string(out), "X-Form-Signature: sha256=cafe\n") ||
			strings.Count(string(out), `{"email":"ana@example.com"`) != 2 {
			t.Errorf("in %q: %v\n%s", name, err, out)
		}
	}
}

func TestNextStepsFitTheSituation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		next       setup.Next
		want, lack []string
	}{
		"on a VPS": {
			setup.Next{Dir: "/etc/dealbell", Listen: "127.0.0.1:3000", Service: true, PublicURL: "https://crm.example.com", Deals: true, Slack: true},
			[]string{"systemctl enable --now", `fetch("https://crm.example.com/lead"`, "https://crm.example.com/notion-webhook", "FORM_SECRET is in /etc/dealbell/dealbell.env"},
			[]string{"dealbell serve", "nothing rings", "data-dealbell"},
		},
		"deals without a channel": {
			setup.Next{Dir: "/etc/dealbell", PublicURL: "https://crm.example.com", Deals: true},
			[]string{"set SLACK_WEBHOOK_URL in /etc/dealbell/dealbell.env: without it nothing rings"},
			nil,
		},
		"deals without a channel or an address": {
			setup.Next{Dir: "/etc/dealbell", Deals: true},
			[]string{"needs a public https address", "set SLACK_WEBHOOK_URL in /etc/dealbell/dealbell.env: without it nothing rings"},
			nil,
		},
		"here, before there is an address": {
			setup.Next{Dir: ".", Listen: "127.0.0.1:3000", Deals: true, FormSecret: secret.New("abc")},
			[]string{". ./dealbell.env", "dealbell serve", "FORM_SECRET=abc\n", "needs a public https address"},
			[]string{"systemctl", "webhook arm"},
		},
		"leads alone, from a page": {
			setup.Next{Dir: ".", PublicURL: "https://crm.example.com", Site: "https://www.example.com"},
			[]string{`<script src="https://crm.example.com/forms/contact.js" defer>`, "a page of https://www.example.com"},
			[]string{"webhook"},
		},
	} {
		got := tc.next.String()
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: lacks %q:\n%s", name, want, got)
			}
		}
		for _, lack := range tc.lack {
			if strings.Contains(got, lack) {
				t.Errorf("%s: has %q:\n%s", name, lack, got)
			}
		}
	}
}
