package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
)

// Form is one more way in, beside POST /lead: the webhook of a form vendor, or
// a form in a browser.
type Form struct {
	Vendor   string            `yaml:"vendor"`   // own, typeform, tally, …; own when left out
	Path     string            `yaml:"path"`     // default /forms/NAME
	Secret   Secrets           `yaml:"secret"`   // what the vendor signs with, or sends
	Events   []string          `yaml:"events"`   // kinds of event that are submissions; default: the vendor's
	Database string            `yaml:"database"` // default contacts; of another one each submission becomes a row
	Email    string            `yaml:"email"`    // field that holds the submitter's address
	Fields   map[string]string `yaml:"fields"`   // field -> property
	Values   map[string]string `yaml:"values"`   // property -> value of every new row

	SubmittedAt string `yaml:"submitted_at"` // property that gets the moment of the submission
	Submitter   string `yaml:"submitter"`    // property that gets the submitter's address, or name
	ID          string `yaml:"id"`           // property that gets the delivery's id

	Browser  bool      `yaml:"browser"`  // sent by the visitor's browser, which can keep no secret
	Origins  []string  `yaml:"origins"`  // of the pages that may hold the form
	Thanks   []string  `yaml:"thanks"`   // pages that may follow it; the first is the default
	Honeypot string    `yaml:"honeypot"` // field that people do not see and leave empty
	MinFill  *Duration `yaml:"min_fill"` // nobody is faster
	// Submissions a minute: of one address before they are held, of all before
	// they are refused.
	PerClient int    `yaml:"per_client"`
	PerForm   int    `yaml:"per_form"`
	Work      *int64 `yaml:"work"` // cost of the proof of work; 0 asks for none
	// Turnstile is the secret key of Cloudflare's captcha; without one nobody is
	// asked.
	Turnstile Secrets `yaml:"turnstile"`
	Plain     bool    `yaml:"plain"` // believe forms that were posted without the script, too
}

// Secrets are what a sender signs with, any of them. Written as one text, or
// as a list of texts and of {is: …, until: …}.
type Secrets []signature.Key

// UnmarshalYAML implements the interface of goccy/go-yaml.
func (s *Secrets) UnmarshalYAML(decode func(any) error) error {
	one, err := quoted(decode)
	if err != nil {
		return err
	}
	if one != nil {
		*s = Secrets{{Secret: secret.New(*one)}}
		return nil
	}
	var list []rotated
	if err := decode(&list); err != nil {
		return err
	}
	for _, r := range list {
		*s = append(*s, signature.Key{Secret: secret.New(r.Is), Until: r.Until})
	}
	return nil
}

// rotated is a secret that may be on its way out.
type rotated struct {
	Is    string
	Until time.Time
}

// UnmarshalYAML implements the interface of goccy/go-yaml.
func (r *rotated) UnmarshalYAML(decode func(any) error) error {
	one, err := quoted(decode)
	if err != nil {
		return err
	}
	if one != nil {
		r.Is = *one
		return nil
	}
	var written struct {
		Is    any    `yaml:"is"`
		Until string `yaml:"until"`
	}
	if err := decode(&written); err != nil {
		return err
	}
	var text bool
	if r.Is, text = written.Is.(string); !text {
		return errUnquoted
	}
	if written.Until == "" {
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if r.Until, err = time.Parse(layout, written.Until); err == nil {
			return nil
		}
	}
	return fmt.Errorf("until: %q is no time such as 2026-12-01T00:00:00Z", written.Until)
}

var errUnquoted = errors.New("a secret that YAML takes for a number or another word of its own has to stand in quotes")

// quoted returns the text that is written, nil where there is more than one.
// A number would lose zeros, a secret must not.
func quoted(decode func(any) error) (*string, error) {
	var anything any
	if err := decode(&anything); err != nil {
		return nil, err
	}
	switch one := anything.(type) {
	case string:
		return &one, nil
	case []any, map[string]any:
		return nil, nil
	}
	return nil, errUnquoted
}

var formName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// reserved are names that metrics and logs have for other ways in.
var reserved = []string{lead.Website, "notion"}

// taken are the paths that are none of a form.
var taken = []string{"/lead", "/notion-webhook", "/healthz", "/readyz"}

// finishForms completes and checks the forms.
func (c *Config) finishForms(getenv func(string) string) error {
	var wrong []error
	paths := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Forms)) {
		f := c.Forms[name]
		wrong = append(wrong, c.finishForm(name, &f, getenv))
		if other, used := paths[f.Path]; f.Path != "" && (used || slices.Contains(taken, f.Path)) {
			wrong = append(wrong, &Error{fmt.Sprintf("forms.%s.path: %s is used by %s already", name, f.Path, cmp.Or(other, "Dealbell itself")), "choose another one"})
		}
		paths[f.Path] = "forms." + name
		c.Forms[name] = f
	}
	return errors.Join(wrong...)
}

func (c *Config) finishForm(name string, f *Form, getenv func(string) string) error {
	at := "forms." + name
	if !formName.MatchString(name) || slices.Contains(reserved, name) {
		return &Error{fmt.Sprintf("%s: a form is called with small letters, digits and -, and not lead or notion", at), "the form of POST /lead is set under lead:"}
	}
	rowsOnly := cmp.Or(f.Submitter, f.ID)
	f.Vendor, f.Path, f.Database = cmp.Or(f.Vendor, "own"), cmp.Or(f.Path, "/forms/"+name), cmp.Or(f.Database, "contacts")
	f.ID = cmp.Or(f.ID, lead.StandardMapping().Activity.ID)
	vendor, known := form.Named(f.Vendor)
	if !known {
		return &Error{fmt.Sprintf("%s.vendor: there is no vendor %q (vendors: %s)", at, f.Vendor, strings.Join(form.Names(), ", ")), suggestion(f.Vendor, form.Names())}
	}
	if u, err := url.Parse(f.Path); err != nil || !strings.HasPrefix(f.Path, "/") || u.Path != f.Path || strings.ContainsAny(f.Path, "*{}?#") {
		return &Error{fmt.Sprintf("%s.path: %q is no path", at, f.Path), "write something like /forms/" + name}
	}
	if id, there := c.DatabaseID(f.Database); !there || id == "" {
		return &Error{
			fmt.Sprintf("%s.database: there is no database %q with an id (databases: %s)", at, f.Database, strings.Join(c.databaseNames(), ", ")),
			"name it under databases: in the configuration file",
		}
	}
	if id, _ := c.DatabaseID(f.Database); id == c.Contacts.ID && rowsOnly != "" {
		return &Error{at + ": submitter and id are for rows of other databases", "leave them out: contacts are told apart by their address"}
	}
	if f.Browser {
		return errors.Join(f.checkBrowser(at), f.Turnstile.read(at+".turnstile", getenv))
	}
	if f.forBrowsers() {
		return &Error{at + ": origins, thanks, honeypot, min_fill, per_client, per_form, work, turnstile and plain are for forms in browsers", "add browser: true, or leave them out"}
	}
	return errors.Join(f.Secret.read(at+".secret", getenv), f.checkSecrets(at, vendor))
}

// read resolves file: and env:.
func (s *Secrets) read(at string, getenv func(string) string) error {
	for i, key := range *s {
		text := strings.TrimSpace(key.Secret.Reveal())
		if path, ok := strings.CutPrefix(text, "file:"); ok {
			content, err := os.ReadFile(path)
			if err != nil {
				return &Error{fmt.Sprintf("%s: %v", at, err), "the file must exist and be readable by the user that runs dealbell"}
			}
			text = string(content)
		} else if variable, ok := strings.CutPrefix(text, "env:"); ok {
			value, err := readVariable(getenv, variable)
			if err != nil {
				return err
			}
			text = value
		}
		(*s)[i].Secret = secret.New(strings.TrimSpace(text))
	}
	*s = slices.DeleteFunc(*s, func(k signature.Key) bool { return k.Secret.Empty() })
	return nil
}

// checkSecrets finds secrets that can sign nothing.
func (f *Form) checkSecrets(at string, vendor form.Vendor) error {
	scheme := f.scheme(vendor)
	for _, key := range f.Secret {
		if err := scheme.CheckKey(key.Secret); err != nil {
			return &Error{fmt.Sprintf("%s.secret: %v", at, err), vendor.Hint}
		}
	}
	return nil
}

// needSecrets makes sure that nobody gets in without one.
func (c *Config) needSecrets() error {
	var missing []error
	for _, name := range slices.Sorted(maps.Keys(c.Forms)) {
		f := c.Forms[name]
		if f.Turnstile != nil && len(f.Turnstile) == 0 {
			missing = append(missing, &Error{fmt.Sprintf("forms.%s.turnstile: it is empty, so that nobody would be asked", name), "set what it names, or leave turnstile out"})
		}
		if vendor, _ := form.Named(f.Vendor); !f.Browser && len(f.Secret) == 0 {
			missing = append(missing, &Error{
				fmt.Sprintf("forms.%s.secret: there is none, so that nothing could be believed", name),
				"write secret: file:/etc/dealbell/" + name + " or secret: env:VARIABLE; " + vendor.Hint,
			})
		}
	}
	return errors.Join(missing...)
}

// forBrowsers reports whether something is set that only a form in a browser
// has.
func (f *Form) forBrowsers() bool {
	return len(f.Origins)+len(f.Thanks)+len(f.Turnstile) > 0 || f.Honeypot != "" || f.MinFill != nil || f.PerClient != 0 || f.PerForm != 0 || f.Work != nil || f.Plain
}

// checkBrowser checks what a form in a browser needs.
func (f *Form) checkBrowser(at string) error {
	switch {
	case f.Vendor != "own":
		return &Error{at + ".browser: a vendor's form is sent by the vendor, not by a browser", "leave out browser or vendor"}
	case len(f.Secret) > 0:
		return &Error{at + ".secret: a browser can keep no secret", "leave it out, or leave out browser: true and sign on your server"}
	}
	if f.PerClient < 0 || f.PerForm < 0 {
		return &Error{at + ": per_client and per_form are numbers of submissions a minute", fmt.Sprintf("the defaults are %d and %d", antispam.PerClient, antispam.PerForm)}
	}
	if err := f.policy(strings.TrimPrefix(at, "forms.")).Validate(); err != nil {
		return &Error{at + ": " + err.Error(), "see the annotated example: deploy/dealbell.yaml"}
	}
	return nil
}
