package setup_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/setup"
)

func caller(t *testing.T, w *sandbox.Workspace) *notion.Caller {
	t.Helper()
	client, err := notion.New(t.Context(), notion.Options{Token: secret.New("sandbox-token"), Transport: w.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return client.Lane(crm.Live)
}

func TestTheStandardDatabasesAreMadeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.New(sandbox.Options{})
		page := w.AddPage("CRM")
		for run := range 2 {
			c := caller(t, w)
			contacts, made, err := setup.Ensure(t.Context(), c, page, setup.Contacts, "")
			if err != nil || made != (run == 0) {
				t.Fatalf("run %d: made %v, %v", run, made, err)
			}
			for _, role := range []setup.Role{setup.Deals, setup.Activities} {
				s, made, err := setup.Ensure(t.Context(), c, page, role, contacts.DataSource)
				if err != nil || made != (run == 0) || len(s.Properties) != len(setup.Standard(role)) {
					t.Errorf("run %d, %s: made %v, %+v, %v", run, role, made, s, err)
				}
			}
			found, err := c.Databases(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, role := range setup.Roles() {
				if c := setup.Candidates(role, found); len(c) == 0 || c[0].Name != role.Title() {
					t.Errorf("%s is not recognised in what was made: %v", role, names(c))
				}
			}
		}
		if n := len(w.Databases(page)); n != 3 {
			t.Errorf("%d databases, want 3", n)
		}
	})
}

func TestALostAnswerMakesNoSecondDatabase(t *testing.T) {
	t.Parallel()
	create := sandbox.Match{Method: "POST", Path: "/v1/databases"}
	for name, tc := range map[string]struct {
		fault sandbox.Fault
		doubt bool // the first run does not know
	}{
		"done, the connection broke":  {sandbox.ResetAfter, false},
		"done, the answer is cut off": {sandbox.Truncated, false},
		"done, and 503":               {sandbox.SavedButUnavailable, false},
		"not done, and no answer":     {sandbox.ResetBefore, true},
		"not done, and 504":           {sandbox.GatewayTimeout, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.New(sandbox.Options{})
			page := w.AddPage("CRM")
			w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Match: create, Nth: 1, Fault: tc.fault}}})
			_, _, err := setup.Ensure(t.Context(), caller(t, w), page, setup.Contacts, "")
			if hint, _ := crm.Hint(err); (err != nil) != tc.doubt || tc.doubt && (!errors.Is(err, crm.ErrAmbiguous) || !strings.Contains(hint, "run dealbell init again")) {
				t.Errorf("%s: %v, hint %q", name, err, hint)
			}
			if _, _, err := setup.Ensure(t.Context(), caller(t, w), page, setup.Contacts, ""); err != nil {
				t.Errorf("%s: the second run: %v", name, err)
			}
			if n := len(w.Databases(page)); n != 1 {
				t.Errorf("%s: %d databases, want 1", name, n)
			}
		})
	}
}

func TestADatabaseOfThatNameWithOtherPropertiesIsSomebodysOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.New(sandbox.Options{})
		page := w.AddPage("CRM")
		c := caller(t, w)
		theirs, err := c.CreateDatabase(t.Context(), page, "Contacts", []crm.Property{{Name: "Name", Kind: crm.KindTitle}, {Name: "Email", Kind: crm.KindText}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, made, err := setup.Ensure(t.Context(), c, page, setup.Contacts, "")
		if err != nil || !made || s.Database == theirs.Database {
			t.Errorf("made %v, %+v, %v; want another one", made, s, err)
		}
	})
}
