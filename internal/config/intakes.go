package config

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/signature"
)

// LeadOptions returns what leads are made of, without the services that they
// need.
func (c *Config) LeadOptions() lead.Options {
	return lead.Options{Contacts: c.Contacts.ID, Activities: c.Activities.ID, Mapping: c.Lead.Mapping(), Forms: c.LeadForms(), Zone: c.Zone}
}

// LeadForms returns where the submissions of each form go, POST /lead
// included.
func (c *Config) LeadForms() map[string]lead.Form {
	own, _ := form.Named("own")
	website := lead.Form{Name: lead.Website, Vendor: own, Fields: lead.StandardFields(), Values: lead.StandardValues()}
	overrideAll(website.Fields, c.Lead.Fields)
	overrideAll(website.Values, c.Lead.Initial)
	for field, property := range website.Fields {
		if crm.SameName(field, "message") {
			website.Message = property
		}
	}
	all := map[string]lead.Form{lead.Website: website}
	for name, f := range c.Forms {
		all[name] = c.leadForm(name, f, website)
	}
	return all
}

// leadForm is one form beside POST /lead. A form whose submissions are leads
// has all that the standard one has.
func (c *Config) leadForm(name string, f Form, website lead.Form) lead.Form {
	vendor, _ := form.Named(f.Vendor)
	if len(f.Events) > 0 {
		vendor.Events = f.Events
	}
	found := lead.Form{
		Name: name, Vendor: vendor, Email: f.Email, Fields: map[string]string{}, Values: map[string]string{},
		SubmittedAt: f.SubmittedAt, Submitter: f.Submitter, ID: f.ID,
	}
	if id, _ := c.DatabaseID(f.Database); id != c.Contacts.ID {
		found.Database = id
	} else {
		maps.Copy(found.Fields, website.Fields)
		maps.Copy(found.Values, website.Values)
		found.Message, found.ID = website.Message, ""
	}
	overrideAll(found.Fields, f.Fields)
	overrideAll(found.Values, f.Values)
	if f.Browser {
		found.Ours = f.policy(name).Own
	}
	return found
}

// Trusted returns the networks of TrustedProxies.
func (c *Config) Trusted() []netip.Prefix {
	var found []netip.Prefix
	for _, n := range c.TrustedProxies {
		found = append(found, netip.Prefix(n))
	}
	return found
}

// Intakes returns all routes by which submissions come in, POST /lead first.
func (c *Config) Intakes() []ingest.Form {
	forms := c.LeadForms()
	website := ingest.Form{Form: forms[lead.Website], Path: "/" + lead.Website, Scheme: signature.Form}
	for _, s := range c.FormSecrets {
		website.Keys = append(website.Keys, signature.Key{Secret: s})
	}
	all := []ingest.Form{website}
	for _, name := range slices.Sorted(maps.Keys(c.Forms)) {
		f := c.Forms[name]
		route := ingest.Form{Form: forms[name], Path: f.Path, Scheme: f.scheme(forms[name].Vendor), Keys: f.Secret}
		if f.Browser {
			route.Public, route.PerClient, route.PerForm = f.policy(name), cmp.Or(f.PerClient, antispam.PerClient), cmp.Or(f.PerForm, antispam.PerForm)
			if len(f.Turnstile) > 0 {
				route.Turnstile = &antispam.Turnstile{Secret: f.Turnstile[0].Secret}
			}
		}
		all = append(all, route)
	}
	return all
}

func (f Form) scheme(vendor form.Vendor) signature.Scheme {
	s, _ := signature.Named(vendor.Scheme)
	return s
}

// policy is what a form in a browser asks of its submissions.
func (f Form) policy(name string) *antispam.Policy {
	p := antispam.Standard(name, f.Origins...)
	p.Thanks, p.Plain = f.Thanks, f.Plain
	override(&p.Honeypot, f.Honeypot)
	if f.MinFill != nil {
		p.MinFill = time.Duration(*f.MinFill)
	}
	switch {
	case f.Work != nil:
		p.Work = *f.Work
	case f.Plain:
		p.Work = 0
	}
	return &p
}

// Dashboard returns the dashboard's address: behind the first of AdminHosts is
// a proxy that speaks TLS, else it is the admin listener's own.
func (c *Config) Dashboard(listener string) string {
	if len(c.AdminHosts) > 0 {
		return "https://" + c.AdminHosts[0]
	}
	return "http://" + listener
}
