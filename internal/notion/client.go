// Package notion is the client of the Notion API, in the words of package crm.
//
// It owns the transport (pace, pauses, retries, API version), the translation
// between properties and [crm.Value], and the schema cache. The requests are
// made by github.com/jomei/notionapi, but for one that it lacks; a chain of
// http.RoundTrippers, which all pass, repairs what that library does wrong,
// one file per stage:
//
//	envelope   keeps the answer for our own decoders, hands the library "{}"
//	rewrite    speaks Notion-Version 2025-09-03: data sources, no "archived"
//	retry      tries again what is safe to try again
//	pace       waits for a token, judges the answer, feeds the breaker
//	collect    reads the whole answer, capped, and reports it to the observer
//	deadline   30 s for a read, 60 s for a write, per attempt
//	watch      pauses everybody the moment a 429 or 529 arrives
//	base       address, token and version of the API
//
// It promises:
//   - no request starts while Notion has asked for a pause, restarts included,
//     and never more than Rate*60+Burst requests start in 60 seconds;
//   - the most urgent lane goes first;
//   - a write is sent once. When nobody knows what became of it the error is
//     [crm.ErrAmbiguous]; any other error means that it was not done;
//   - nothing that a server sends panics, and nothing unreadable passes for
//     success; one odd property never costs the page it is on;
//   - only the configured server is asked, and no redirect is followed;
//   - errors and logs carry no token, no request body and no answer body, and
//     logs nothing of what a server says.
//
// It refuses to wait long: what must wait more than five seconds returns
// [crm.ErrUnavailable] with a [crm.RetryAt], for the queue to keep.
// [crm.ErrForbidden] with a RetryAt is about the token and so about every
// call; without one it is about that call alone.
package notion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/outbound"
	"github.com/dealbell/dealbell/internal/secret"
)

const (
	defaultBaseURL = "https://api.notion.com"
	defaultRate    = 2.5 // requests per second: 150 of the 180 per minute that a free workspace has
	defaultBurst   = 3
)

// Options says how to reach Notion. Only Token is required.
type Options struct {
	Token     secret.String
	BaseURL   string            // default https://api.notion.com
	Transport http.RoundTripper // nil for the network, of which it sees BaseURL alone
	Private   []string          // host names that may lead to private addresses
	Rate      float64           // requests per second, default 2.5
	Burst     int               // default 3
	Pauses    Pauses            // keeps a pause across restarts; nil: in memory only
	Log       *slog.Logger      // nil: silent
	Observer  Observer          // nil: nobody is told
}

// Pauses keeps the time until which Notion asked everybody to wait.
type Pauses interface {
	LoadPause(ctx context.Context) (time.Time, error)
	SavePause(ctx context.Context, until time.Time) error
}

// Request is one that was sent.
type Request struct {
	Endpoint string // a method and a path without ids, such as "POST pages" or "GET pages/{id}"
	Page     string // whose id the path has, "" for none
	At       time.Time
	Took     time.Duration
	Status   int    // 0 when no whole answer came
	ID       string // by which Notion knows the request, "" when it did not say
}

// Observer is told of requests and pauses. Its methods are called by many
// goroutines at once.
type Observer interface {
	// Request is told of every request that was sent, with the context of the
	// call that it was made for.
	Request(ctx context.Context, r Request)
	// Paused is told how long Notion asked everybody to wait.
	Paused(d time.Duration)
}

// Client is one connection to Notion. All its callers share one budget of
// requests.
type Client struct {
	api  *notionapi.Client
	http *http.Client // that of api, for calls that the library lacks
	gate *gate
	log  *slog.Logger

	reading chan struct{} // one reads a schema at a time: the others need the same
	mu      sync.Mutex
	schemas map[string]crm.Schema // by database id as configured
	warned  map[string]bool       // databases whose many data sources were logged
}

// New makes a client and loads the stored pause. It sends nothing.
func New(ctx context.Context, o Options) (*Client, error) {
	token := strings.TrimSpace(o.Token.Reveal())
	if token == "" {
		return nil, errors.New("open notion client: the token is empty")
	}
	target, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Transport == nil {
		o.Transport = newTransport(outbound.Guard{Targets: []string{target.String()}, Private: o.Private})
	}
	o = o.withDefaults()
	gate, err := newGate(ctx, o)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: newChain(o, gate, target, secret.New(token))}
	return &Client{
		// The base stage sets the token, so that the library never holds it.
		api:     notionapi.NewClient("", notionapi.WithHTTPClient(client)),
		http:    client,
		gate:    gate,
		log:     o.Log,
		reading: make(chan struct{}, 1),
		schemas: map[string]crm.Schema{},
		warned:  map[string]bool{},
	}, nil
}

func newChain(o Options, g *gate, target *url.URL, token secret.String) http.RoundTripper {
	var chain http.RoundTripper = base{o.Transport, target, token}
	chain = watch{chain, g}
	chain = deadline{chain}
	chain = collect{chain, o.Observer, token}
	chain = pace{chain, g, token}
	chain = retry{chain}
	chain = rewrite{chain}
	return envelope{chain}
}

func parseBase(s string) (*url.URL, error) {
	if s == "" {
		s = defaultBaseURL
	}
	u, err := url.Parse(s)
	// The text is not repeated: it may hold a password.
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("open notion client: the base URL is not an http or https URL")
	}
	return u, nil
}

func (o Options) withDefaults() Options {
	if o.Rate <= 0 {
		o.Rate = defaultRate
	}
	if o.Burst <= 0 {
		o.Burst = defaultBurst
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return o
}

// newTransport notices dead HTTP/2 connections by ping: without it a machine
// that slept, or a router that forgot the connection, costs a whole time-out.
func newTransport(g outbound.Guard) http.RoundTripper {
	return g.Transport(&http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		MaxIdleConnsPerHost: usefulCalls,
		IdleConnTimeout:     90 * time.Second,
	}, net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second})
}

type nobody struct{}

func (nobody) Request(context.Context, Request) {}
func (nobody) Paused(time.Duration)             {}

// Lane returns a caller whose requests wait in lane l.
func (c *Client) Lane(l crm.Lane) *Caller { return &Caller{client: c, lane: l} }

// Capacity says how many calls may usefully run at once now: 0 for none before
// until (a long pause, an outage, a refused token), 1 while it is being tried
// whether Notion is back, otherwise a small number.
func (c *Client) Capacity() (n int, until time.Time) { return c.gate.capacity(time.Now()) }

// State is the health of the connection, for status pages. It holds no secret.
type State struct {
	PausedUntil time.Time     // zero when Notion asked for no pause
	Open        bool          // calls are held back: an outage, or a refused token
	Refused     bool          // the token is refused
	Since       time.Time     // when Open began
	LastError   string        // the latest failure, "" when none
	LastOK      time.Time     // when Notion last answered
	FullSince   time.Time     // since when Notion takes no new blocks, because the plan's are used up; zero while it does
	Skew        time.Duration // Notion's clock minus ours, to about a second; 0 until it answered
}

// State returns the present health.
func (c *Client) State() State { return c.gate.state(time.Now()) }

// idCharacters are those of ids. What Notion calls an id is one, whatever its
// length: it refuses others by itself.
const idCharacters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"

// parseID takes an id, or a link that holds one.
func parseID(what, id string) (string, error) {
	id = crm.NormalID(id)
	if id != "" && strings.Trim(id, idCharacters) == "" {
		return id, nil
	}
	return "", &Error{
		Op: "read " + what + " id", kind: crm.ErrInvalid,
		Message: fmt.Sprintf("%q is neither an id of Notion nor a link", shorten(clean(id), 80)),
	}
}
