package setup

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dealbell/dealbell/internal/secret"
)

// Next is what the next steps depend on.
type Next struct {
	Dir        string        // where the files are
	PublicURL  string        // "" while nobody has said
	Listen     string        // host:port of the public listener
	Service    bool          // the files are where the systemd unit looks
	FormSecret secret.String // shown when not empty
	Site       string        // origin of the browser form, "" for none
	Deals      bool          // deals ring
	Slack      bool          // a channel is set
}

// base is the address that the world, or this machine, reaches Dealbell at.
func (n Next) base() string {
	if n.PublicURL != "" {
		return n.PublicURL
	}
	return "http://" + n.Listen
}

func (n Next) env() string { return shell(filepath.Join(n.Dir, EnvName)) }

// shell writes a path as one word of a command line.
func shell(path string) string {
	if !filepath.IsAbs(path) && !strings.HasPrefix(path, ".") {
		path = "./" + path
	}
	if safe.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// String is what the operator does after the files are written: start, the
// first lead, the website's form, and Notion's webhook.
func (n Next) String() string {
	steps := []string{n.start(), n.firstLead(), n.website()}
	if n.Site != "" {
		steps = append(steps, n.browser())
	}
	if n.Deals {
		steps = append(steps, n.webhook())
	}
	var b strings.Builder
	for i, step := range steps {
		fmt.Fprintf(&b, "\n%d. %s", i+1, step)
	}
	b.WriteString("\nWhen something looks wrong: dealbell doctor\n")
	return b.String()
}

func (n Next) start() string {
	load := "set -a; . " + n.env() + "; set +a"
	if !n.Service {
		return "Start Dealbell, in a terminal of its own:\n\n" +
			"   " + load + "\n" +
			"   dealbell check\n" +
			"   dealbell serve\n"
	}
	return "Check, and start the service (the units are in deploy/):\n\n" +
		"   " + load + "; dealbell check\n" +
		"   systemctl enable --now dealbell.socket dealbell\n"
}

// firstLead names the secret's variable, not the secret, which would stay in
// the shell's history.
func (n Next) firstLead() string {
	return `Send the first lead, on this machine, and see it in Notion:

   . ` + n.env() + `
   body='{"email":"ana@example.com","name":"Ana","company":"Example Ltd","message":"Hello"}'
   curl http://` + n.Listen + `/lead -H 'Content-Type: application/json' -H 'Prefer: wait=10' -d "$body" \
     -H "X-Form-Signature: sha256=$(printf %s "$body" | openssl dgst -sha256 -hmac "${FORM_SECRET%%,*}" | awk '{print $NF}')"
   # {"status":"created","id":"…the page…"}
`
}

func (n Next) website() string {
	secret := "   FORM_SECRET is in " + n.env() + "\n"
	if !n.FormSecret.Empty() {
		secret = "   FORM_SECRET=" + n.FormSecret.Reveal() + "\n"
	}
	return `Let your website send leads. Its server signs them with this, which never goes to a browser:

` + secret + `
   // Node 18 or later; any language with HMAC-SHA256 does
   import { createHmac } from "node:crypto";

   const body = JSON.stringify({ email, name, company, message });
   const signature = createHmac("sha256", process.env.FORM_SECRET).update(body).digest("hex");
   const answer = await fetch("` + n.base() + `/lead", {
     method: "POST",
     headers: { "Content-Type": "application/json", "X-Form-Signature": "sha256=" + signature },
     body,
   });
   if (!answer.ok) throw new Error("the lead was not taken: " + answer.status); // then send the same again
`
}

func (n Next) browser() string {
	return `Or put the form on a page of ` + n.Site + ` without a server (deploy/form.html is a whole page):

   <script src="` + n.base() + `/forms/contact.js" defer></script>
   <form data-dealbell="contact" action="` + n.base() + `/forms/contact" method="post">
     <p><label>Name<br><input name="name" autocomplete="name"></label></p>
     <p><label>E-mail<br><input name="email" type="email" autocomplete="email" required></label></p>
     <p><label>Message<br><textarea name="message" rows="5"></textarea></label></p>
     <p><button>Send</button></p>
   </form>
   <p data-dealbell-thanks hidden>Thank you!</p>
`
}

func (n Next) webhook() string {
	slack := ""
	if !n.Slack {
		slack = "   And set SLACK_WEBHOOK_URL in " + n.env() + ": without it nothing rings.\n"
	}
	if !strings.HasPrefix(n.base(), "https://") {
		return "Deals ring within 5 minutes. Within seconds they do with Notion's webhook, which needs a public https address:\n" +
			"   run dealbell init again with --public-url when there is one.\n" + slack
	}
	return `Let deals ring within seconds instead of minutes, by Notion's webhook:

   dealbell webhook arm
   In Notion: your connection's settings, Webhooks, Create a subscription,
     with the URL ` + n.base() + `/notion-webhook and all page events.
   dealbell webhook status shows the token to paste there at "Verify".
` + slack
}
