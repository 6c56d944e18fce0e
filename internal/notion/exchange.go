package notion

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/dealbell/dealbell/internal/crm"
)

// exchange is one call on its way through the library and the chain. It
// travels in the context, the only thing that the library passes on.
type exchange struct {
	op         string // for errors: "update page 1234"
	endpoint   string // for the observer: "PATCH pages/{id}"
	page       string // likewise: whose id the path has
	write      bool
	dataSource bool // the id is that of a data source; the library knows databases only
	lane       crm.Lane
	answer     []byte // the JSON object that Notion answered with, nil before
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return &exchange{write: true} // the most careful treatment
	}
	return x
}

// do makes a call through the library and returns the raw answer. What the
// library thinks of the answer does not count: it was handed an empty one.
func (c *Caller) do(ctx context.Context, x *exchange, ask func(context.Context) error) ([]byte, error) {
	x.lane = c.lane
	err := x.safely(func() error { return ask(context.WithValue(ctx, exchangeKey{}, x)) })
	if x.answer != nil {
		return x.answer, nil
	}
	return nil, x.named(err)
}

// get asks for what the library has no call for, through the same chain. The
// base stage adds the server.
func (c *Client) get(ctx context.Context, target *url.URL) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, defaultBaseURL+target.String(), http.NoBody)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// safely turns a panic of the library into an error. The panic's value may
// hold anything, so only its type is told.
func (x *exchange) safely(ask func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = x.unreadable(fmt.Sprintf("the client library panicked with a %T", p))
		}
	}()
	return ask()
}

// named returns err as an *Error of this call. The *url.Error that net/http
// wraps around it is dropped.
func (x *exchange) named(err error) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		// The chain judges everything that was sent: this was not.
		e = &Error{kind: crm.ErrInvalid, Message: "the request cannot be built"}
		if err != nil {
			e.Message += ": " + discreet(err.Error())
		}
	}
	e.Op = x.op
	return e
}

// doubt is what it means that no readable answer came to a request that was
// sent: a read was not done, a write may have been.
func (x *exchange) doubt() error {
	if x.write {
		return crm.ErrAmbiguous
	}
	return crm.ErrUnavailable
}

// unreadable is an answer that is JSON, and not what was asked for.
func (x *exchange) unreadable(why string) *Error {
	return &Error{Op: x.op, Message: why, kind: x.doubt()}
}
