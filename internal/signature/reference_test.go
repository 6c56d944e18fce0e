package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/signature"
)

// content is what a sender signed, and when; it is taken from a request
// without this package's help.
type content struct{ method, url, id, timestamp, body string }

// signs says what is signed, one sender at a time.
var signs = map[string]func(content) string{
	"own": func(c content) string {
		if c.timestamp != "" {
			return c.timestamp + "." + c.body
		}
		return c.body
	},
	"standard-webhooks": func(c content) string { return c.id + "." + c.timestamp + "." + c.body },
	"slack":             func(c content) string { return "v0:" + c.timestamp + ":" + c.body },
	"framer":            func(c content) string { return c.body + c.id },
	"webflow":           func(c content) string { return c.timestamp + ":" + c.body },
	"hubspot-v3":        func(c content) string { return c.method + c.url + c.body + c.timestamp },
	"stripe":            dotted, "formspree": dotted, "calendly": dotted,
	"notion": bodyAlone, "github": bodyAlone, "shopify": bodyAlone, "typeform": bodyAlone, "tally": bodyAlone,
	"calcom": bodyAlone, "opnform": bodyAlone, "outpost": bodyAlone, "hubspot-v1": bodyAlone,
}

func dotted(c content) string    { return c.timestamp + "." + c.body }
func bodyAlone(c content) string { return c.body }

// place is where a sender puts things.
type place struct {
	signature, timestamp, id string
	base64                   bool
	unit, tolerance          time.Duration
}

var places = map[string]place{
	"own":               {"X-Form-Signature", "X-Form-Timestamp", "", false, time.Second, 5 * time.Minute},
	"standard-webhooks": {"Webhook-Signature", "Webhook-Timestamp", "Webhook-Id", true, time.Second, 5 * time.Minute},
	"notion":            {"X-Notion-Signature", "", "", false, 0, 0},
	"slack":             {"X-Slack-Signature", "X-Slack-Request-Timestamp", "", false, time.Second, 5 * time.Minute},
	"github":            {"X-Hub-Signature-256", "", "", false, 0, 0},
	"stripe":            {"Stripe-Signature", "t=", "", false, time.Second, 5 * time.Minute},
	"shopify":           {"X-Shopify-Hmac-Sha256", "", "", true, 0, 0},
	"typeform":          {"Typeform-Signature", "", "", true, 0, 0},
	"tally":             {"Tally-Signature", "", "", true, 0, 0},
	"framer":            {"Framer-Signature", "", "Framer-Webhook-Submission-Id", false, 0, 0},
	"webflow":           {"X-Webflow-Signature", "X-Webflow-Timestamp", "", false, time.Millisecond, 5 * time.Minute},
	"formspree":         {"Formspree-Signature", "t=", "", false, time.Second, 5 * time.Minute},
	"calcom":            {"X-Cal-Signature-256", "", "", false, 0, 0},
	"calendly":          {"Calendly-Webhook-Signature", "t=", "", false, time.Second, 3 * time.Minute},
	"hubspot-v1":        {"X-Hubspot-Signature", "", "", false, 0, 0},
	"hubspot-v3":        {"X-Hubspot-Signature-V3", "X-Hubspot-Request-Timestamp", "", true, time.Millisecond, 5 * time.Minute},
	"opnform":           {"X-Webhook-Signature", "", "", false, 0, 0},
	"outpost":           {"X-Outpost-Signature", "", "", false, 0, 0},
	"static":            {"X-Webhook-Token", "", "", false, 0, 0},
}

func placeOf(scheme string, r signature.Request) place {
	p := places[scheme]
	if scheme == "standard-webhooks" && len(r.Header["Webhook-Signature"]) == 0 {
		p.signature, p.timestamp, p.id = "Svix-Signature", "Svix-Timestamp", "Svix-Id"
	}
	return p
}

var (
	stamps  = regexp.MustCompile(`(?:^|,)\s*t=([^,]*)`)
	escapes = regexp.MustCompile(`(?i)%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)`)
)

// contentOf reads a request; ok is false where it could be read in two ways.
func contentOf(scheme string, r signature.Request) (c content, ok bool) {
	p := placeOf(scheme, r)
	c = content{method: r.Method, body: string(r.Body)}
	c.url = escapes.ReplaceAllStringFunc(r.URL, func(s string) string {
		plain, _ := url.PathUnescape(s)
		return plain
	})
	single := func(name string) string {
		values := r.Header[name]
		if len(values) > 1 {
			ok = false
		}
		return strings.Join(values, "\x00")
	}
	ok = true
	given := single(p.signature)
	switch p.timestamp {
	case "":
	case "t=":
		all := stamps.FindAllStringSubmatch(given, -1)
		if len(all) == 1 {
			c.timestamp = strings.TrimSpace(all[0][1])
		}
		ok = ok && len(all) == 1
	default:
		c.timestamp = single(p.timestamp)
	}
	if p.id != "" {
		c.id = single(p.id)
	}
	return c, ok
}

// macOf is what the holder of a secret makes of a content.
func macOf(scheme, secret string, c content) string {
	key := []byte(secret)
	if scheme == "standard-webhooks" {
		key, _ = base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(secret, "whsec_"), "="))
	}
	var sum []byte
	if scheme == "hubspot-v1" {
		plain := sha256.Sum256([]byte(secret + signs[scheme](c)))
		sum = plain[:]
	} else {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(signs[scheme](c)))
		sum = h.Sum(nil)
	}
	if places[scheme].base64 {
		return base64.StdEncoding.EncodeToString(sum)
	}
	return hex.EncodeToString(sum)
}

// carries tells whether the signature's header holds the MAC anywhere.
func carries(p place, r signature.Request, mac string) bool {
	given := strings.Join(r.Header[p.signature], "\x00")
	if !p.base64 {
		given = strings.ToLower(given)
	}
	return strings.Contains(given, mac)
}

// fresh tells whether the content's time, where there is one, is near now.
func fresh(p place, c content, now time.Time) bool {
	if c.timestamp == "" {
		return true
	}
	n, err := strconv.ParseInt(c.timestamp, 10, 64)
	if err != nil {
		return false
	}
	apart := now.Sub(time.Unix(0, 0).Add(time.Duration(n) * p.unit))
	return apart.Abs() <= p.tolerance
}

// genuine tells whether an accepted request is one that the holder of the
// vector's secret sent: the same content, with its MAC, in time. A static
// token says nothing about the content.
func genuine(v vector, sent, r signature.Request, now time.Time) bool {
	p := placeOf(v.Scheme, r)
	if v.Scheme == "static" {
		tokens := r.Header[p.signature]
		if len(tokens) == 0 {
			tokens = r.Query["token"]
		}
		return len(tokens) == 1 && strings.TrimSpace(tokens[0]) == v.Secrets[v.Used]
	}
	was, _ := contentOf(v.Scheme, sent)
	is, ok := contentOf(v.Scheme, r)
	if v.Scheme != "hubspot-v3" {
		was.method, was.url, is.method, is.url = "", "", "", ""
	}
	return ok && was == is && fresh(p, is, now) && carries(p, r, macOf(v.Scheme, v.Secrets[v.Used], was))
}
