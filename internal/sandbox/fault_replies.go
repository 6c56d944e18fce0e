package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

const statusOverloaded = 529

// edgePage is what the network in front of Notion sends when it cannot reach
// it: HTML, and no request id of Notion.
const edgePage = `<!DOCTYPE html>
<html lang="en-US">
<head><title>502: Bad gateway</title><meta charset="UTF-8"></head>
<body>
<h1>Bad gateway <span>Error code 502</span></h1>
<p>The web server reported a bad gateway error. Please try again in a few minutes.</p>
<p>Ray ID: 8f00c0ffee00d00d</p>
</body>
</html>
`

// absurdWait is what a server says that does not mean it.
const absurdWait = 365 * 24 * time.Hour

func sortedFaults(m map[Fault]float64) []Fault { return slices.Sorted(maps.Keys(m)) }

// faultReply is the answer to a request that is not processed.
func (w *Workspace) faultReply(f Fault, wait time.Duration, _ *http.Request) reply {
	switch f {
	case ConnectionRefused:
		return reply{broken: errRefused}
	case ResetBefore, HangBefore:
		return reply{broken: errReset}
	case BadGatewayHTML:
		return badGateway()
	case RateLimited:
		return w.rateLimited(wait)
	case RateLimitedAbsurd:
		return w.rateLimited(absurdWait)
	case RateLimitedDate:
		out := w.rateLimited(wait)
		out.header.Set("Retry-After", time.Now().Add(wait).UTC().Format(http.TimeFormat))
		return out
	}
	e := refusals()[f]
	id := w.newRequestID()
	out := jsonReply(e.status, e.body(id), id)
	if f == Overloaded {
		out.header.Set("Retry-After", seconds(wait))
	}
	return out
}

func badGateway() reply {
	h := http.Header{}
	h.Set("Content-Type", "text/html; charset=UTF-8")
	h.Set("Cf-Ray", "8f00c0ffee00d00d-AMS")
	return reply{status: http.StatusBadGateway, header: h, body: []byte(edgePage)}
}

func refusals() map[Fault]apiError {
	return map[Fault]apiError{
		RateLimitedBare: {status: http.StatusTooManyRequests, code: "rate_limited", message: "You have been rate limited. Please try again in a few minutes."},
		Overloaded:      {status: statusOverloaded, code: "service_overload", message: "Notion is overloaded, please try again later."},
		InternalError:   {status: http.StatusInternalServerError, code: "internal_server_error", message: "Unexpected error occurred."},
		Unavailable:     {status: http.StatusServiceUnavailable, code: "service_unavailable", message: "Notion is unavailable, please try again later."},
		GatewayTimeout:  {status: http.StatusGatewayTimeout, code: "gateway_timeout", message: "Gateway Timeout"},
		Conflict:        {status: http.StatusConflict, code: "conflict_error", message: "Conflict occurred while saving. Please try again."},
		BadRequest:      {status: http.StatusBadRequest, code: "validation_error", message: "The request is not valid."},
		Unauthorized:    {status: http.StatusUnauthorized, code: "unauthorized", message: "API token is invalid."},
		Forbidden:       {status: http.StatusForbidden, code: "restricted_resource", message: "Insufficient permissions for this endpoint."},
		NotFound:        {status: http.StatusNotFound, code: "object_not_found", message: "Could not find the object."},
		RequestBlocked: {
			status: http.StatusTooManyRequests, code: "rate_limited", message: "Requests of this connection are blocked. Please contact support.",
			extra: map[string]any{"rate_limit_reason": "public_api_request_blocked"},
		},
		BlockLimit: {
			status: http.StatusForbidden, code: "restricted_resource", message: "The workspace has reached its block limit.",
			extra: map[string]any{"block_limit": "block_creation"},
		},
		SavedButUnavailable: {
			status: http.StatusServiceUnavailable, code: "service_unavailable",
			message: "The change was saved, but the response could not be built in time. Read the object again to see its current state.",
		},
	}
}

// spoil hides that a write was saved. Refusals and reads are still told.
func (w *Workspace) spoil(h hit, _ *http.Request, out reply, c *call) reply {
	if !c.wrote {
		return out
	}
	e := refusals()[h.fault]
	e.extra = map[string]any{"retry_guidance": []string{
		"Read the object again to see its current state.", "Do not repeat the write.",
	}}
	maps.Copy(e.extra, c.committed)
	id := w.newRequestID()
	return jsonReply(e.status, e.body(id), id)
}
