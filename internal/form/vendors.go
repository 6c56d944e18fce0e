package form

import "net/http"

const (
	ownBody    = 64 << 10
	vendorBody = 1 << 20
)

// The vendors. Most take any 2xx for an answer; to Webflow all but 200 is a
// failure (https://developers.webflow.com/data/docs/working-with-webhooks).
var vendors = [...]Vendor{
	{
		Name: "own", Scheme: "own", MaxBody: ownBody, OKStatus: http.StatusAccepted, decode: decodeOwn,
		Hint: "sign the body with FORM_SECRET, see the README",
	},
	{
		Name: "typeform", Scheme: "typeform", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeTypeform,
		Events: []string{"form_response"},
		Hint:   "the form > Connect > Webhooks > Add a webhook; then Edit > Secret",
	},
	{
		Name: "tally", Scheme: "tally", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeTally,
		Events: []string{"FORM_RESPONSE"},
		Hint:   "the form > Integrations > Webhooks > Connect; Add a signing secret",
	},
	{
		Name: "framer", Scheme: "framer", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeFramer,
		Hint: "the form on the canvas > Send To > Add > Webhook; its Secret",
	},
	{
		Name: "webflow", Scheme: "webflow", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeWebflow,
		Events: []string{"form_submission"},
		Hint:   "make the webhook with the API and a site token: the answer's secretKey; a webhook of the dashboard is not signed",
	},
	{
		Name: "formspree", Scheme: "formspree", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeFormspree,
		Hint: "the form > Plugins > Webhooks > simple webhook; its signing secret",
	},
	{
		Name: "calcom", Scheme: "calcom", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeCalcom,
		Events: []string{"BOOKING_CREATED", "BOOKING_REQUESTED", "FORM_SUBMITTED"},
		Hint:   "Settings > Developer > Webhooks > New; Secret",
	},
	{
		Name: "calendly", Scheme: "calendly", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeCalendly,
		Events: []string{"invitee.created", "routing_form_submission.created"},
		Hint:   "POST https://api.calendly.com/webhook_subscriptions with a signing_key of your own",
	},
	{
		Name: "fillout", Scheme: "static", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeFillout,
		Hint: "the form > Integrate > Webhook; in Advanced, add a header X-Webhook-Token with a secret of your own",
	},
	{
		Name: "jotform", Scheme: "static", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeJotform,
		Hint: "the form > Settings > Integrations > Webhooks; Jotform signs nothing, so end the URL in ?token= and a secret of your own",
	},
	{
		Name: "google-forms", Scheme: "own", MaxBody: vendorBody, OKStatus: http.StatusAccepted, decode: decodeGoogleForms,
		Hint: "deploy/google-forms.gs in the form's script editor; FORM_SECRET among its script properties",
	},
	{
		Name: "standard-webhooks", Scheme: "standard-webhooks", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeStandard,
		Hint: "the sender's page for the endpoint; its secret begins with whsec_",
	},
	{
		Name: "opnform", Scheme: "opnform", MaxBody: vendorBody, OKStatus: http.StatusOK, decode: decodeOpnForm,
		Hint: "the form > Integrations > Webhook; its secret, of 12 characters or more",
	},
}
