package form

import (
	"errors"
	"fmt"
)

// Problem says what is wrong with a body.
type Problem int

// The problems. Missing and Invalid are about DecodeError.Field.
const (
	Malformed   Problem = iota // not what its Content-Type or its vendor says
	Unsupported                // a Content-Type that no form sends
	Missing                    // a field that must be there is not
	Invalid                    // a field that is there makes no sense
)

// DecodeError is the error of Decode. Its text is for the sender and never
// repeats what was sent.
type DecodeError struct {
	Problem Problem
	Field   string // "" when it is about the whole body
	Detail  string
}

func (r *DecodeError) Error() string { return r.Detail }

// malformed says of what the body is none, and why.
func malformed(what string, why error) error {
	return &DecodeError{Malformed, "", fmt.Sprintf("the body is not %s: %v", what, why)}
}

// The limits of a body.
const (
	maxFields = 500
	maxName   = 200    // characters
	maxValues = 50_000 // of JSON, at all depths
	maxDepth  = 100
)

var (
	errNotObject = errors.New("it must be one object")
	errMany      = fmt.Errorf("it has more than %d fields", maxFields)
	errHuge      = fmt.Errorf("it has more than %d values", maxValues)
	errDeep      = fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	errUnread    = errors.New("it cannot be read")
)
