package signature

import "time"

// Form signs the leads of one's own website form.
var Form = Scheme{
	name:    "own",
	headers: []headers{{signature: "X-Form-Signature", timestamp: "X-Form-Timestamp"}},
	content: "{timestamp}.{body}", untimed: "{body}",
	prefix: "sha256=", bare: true,
	clock: clock{time.Second, 300 * time.Second},
}

// Notion signs webhook events with the verification token of their
// subscription. It signs no time: replays are told by the event's id.
var Notion = Scheme{
	name:    "notion",
	headers: []headers{{signature: "X-Notion-Signature"}},
	content: "{body}", prefix: "sha256=",
}

// table holds every scheme. Where a vendor's own page shows a body that was
// parsed and written again (Tally, Webflow), what is signed is still what is
// sent.
var table = [...]Scheme{
	Form,
	{
		name: "standard-webhooks",
		headers: []headers{
			{signature: "Webhook-Signature", timestamp: "Webhook-Timestamp", id: "Webhook-Id"},
			{signature: "Svix-Signature", timestamp: "Svix-Timestamp", id: "Svix-Id"},
		},
		content: "{id}.{timestamp}.{body}", separator: " ", tag: "v1,", encoding: inBase64,
		clock: clock{time.Second, 300 * time.Second}, key: keyInBase64,
	},
	Notion,
	{
		name:    "slack",
		headers: []headers{{signature: "X-Slack-Signature", timestamp: "X-Slack-Request-Timestamp"}},
		content: "v0:{timestamp}:{body}", prefix: "v0=",
		clock: clock{time.Second, 300 * time.Second},
	},
	{ // X-Hub-Signature beside it is SHA-1
		name:    "github",
		headers: []headers{{signature: "X-Hub-Signature-256"}},
		content: "{body}", prefix: "sha256=",
	},
	{
		name:    "stripe",
		headers: []headers{{signature: "Stripe-Signature"}},
		content: "{timestamp}.{body}", separator: ",", tag: "v1=", stamp: "t=",
		clock: clock{time.Second, 300 * time.Second},
	},
	{
		name:    "shopify",
		headers: []headers{{signature: "X-Shopify-Hmac-Sha256"}},
		content: "{body}", encoding: inBase64,
	},
	{
		name:    "typeform",
		headers: []headers{{signature: "Typeform-Signature"}},
		content: "{body}", prefix: "sha256=", encoding: inBase64,
	},
	{
		name:    "tally",
		headers: []headers{{signature: "Tally-Signature"}},
		content: "{body}", encoding: inBase64,
	},
	{
		name:    "framer",
		headers: []headers{{signature: "Framer-Signature", id: "Framer-Webhook-Submission-Id"}},
		content: "{body}{id}", prefix: "sha256=",
	},
	{
		name:    "webflow",
		headers: []headers{{signature: "X-Webflow-Signature", timestamp: "X-Webflow-Timestamp"}},
		content: "{timestamp}:{body}",
		clock:   clock{time.Millisecond, 300 * time.Second},
	},
	{
		name:    "formspree",
		headers: []headers{{signature: "Formspree-Signature"}},
		content: "{timestamp}.{body}", separator: ",", tag: "v1=", stamp: "t=",
		clock: clock{time.Second, 300 * time.Second},
	},
	{
		name:    "calcom",
		headers: []headers{{signature: "X-Cal-Signature-256"}},
		content: "{body}", unsigned: "no-secret-provided",
	},
	{
		name:    "calendly",
		headers: []headers{{signature: "Calendly-Webhook-Signature"}},
		content: "{timestamp}.{body}", separator: ",", tag: "v1=", stamp: "t=",
		clock: clock{time.Second, 180 * time.Second},
	},
	{ // a plain hash, which whoever saw one can extend; see noNUL
		name:    "hubspot-v1",
		headers: []headers{{signature: "X-HubSpot-Signature"}},
		content: "{secret}{body}", plain: true, noNUL: true,
	},
	{
		name:    "hubspot-v3",
		headers: []headers{{signature: "X-HubSpot-Signature-v3", timestamp: "X-HubSpot-Request-Timestamp"}},
		content: "{method}{url}{body}{timestamp}", encoding: inBase64,
		clock: clock{time.Millisecond, 300 * time.Second},
	},
	{
		name:    "opnform",
		headers: []headers{{signature: "X-Webhook-Signature"}},
		content: "{body}", prefix: "sha256=",
	},
	{ // its secrets begin with whsec_, and the key is the whole text
		name:    "outpost",
		headers: []headers{{signature: "X-Outpost-Signature"}},
		content: "{body}", prefix: "v0=", separator: ",",
	},
	{ // for senders that sign nothing: the secret itself is sent
		name:    "static",
		headers: []headers{{signature: "X-Webhook-Token"}},
		query:   "token", content: "{secret}", plain: true, encoding: asItself,
	},
}

// Named returns the scheme with that name.
func Named(name string) (Scheme, bool) {
	for _, s := range table {
		if s.name == name {
			return s, true
		}
	}
	return Scheme{}, false
}

// Names returns the names that Named knows.
func Names() []string {
	names := make([]string, len(table))
	for i, s := range table {
		names[i] = s.name
	}
	return names
}
