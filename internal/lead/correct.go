package lead

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
)

// errMeanwhile says that a body is right and belongs to another person than
// the row that was made of it.
var errMeanwhile = errors.New("its message is about a contact that is in Notion already, and it names another address")

// Correct checks that a body can stand in the place of what a delivery of a
// dead letter said: its form reads it, and knows whose it is. Errors wrap
// [crm.ErrInvalid] and never repeat the body.
func Correct(forms map[string]Form, dead crm.Job, d crm.Delivery, body []byte) (crm.Correction, error) {
	f, ok := forms[d.Source]
	if !ok {
		return crm.Correction{}, crm.WithHint(fmt.Errorf("%w: delivery %s came by the form %q, which is no longer configured", crm.ErrInvalid, d.ID, d.Source),
			"put the form back into the configuration file; forms there now: "+strings.Join(slices.Sorted(maps.Keys(forms)), ", "))
	}
	arrival, err := f.Arrive(http.Header{}, d.ContentType, body)
	if err != nil {
		return crm.Correction{}, uncorrected(d, err)
	}
	c := crm.Correction{Delivery: d.ID, Body: body, Key: arrival.Key}
	if c.Key == "" {
		c.Key = d.ID
	}
	if dead.Kind == KindActivity { // the contact is in Notion, only the message is not
		if c.Key != d.Key {
			return crm.Correction{}, uncorrected(d, errMeanwhile)
		}
		c.Job = Careful(dead)
		return c, nil
	}
	c.Job = f.Job(d.ID, c.Key)
	return c, nil
}

func uncorrected(d crm.Delivery, err error) error {
	hint := "give the whole body, as " + d.ContentType + ", the way the form " + d.Source + " sends it"
	if wrong, ok := errors.AsType[*form.DecodeError](err); ok && wrong.Field != "" {
		hint = "the field " + wrong.Field + " has to hold an e-mail address"
	}
	return crm.WithHint(fmt.Errorf("%w: delivery %s: %w", crm.ErrInvalid, d.ID, err), hint)
}
