package story

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// mostNear is how many keys are proposed.
const mostNear = 3

// unknown looks for what may have been meant.
func unknown(ctx context.Context, state State, what string, whose store.Whose) error {
	e := &UnknownError{What: what}
	if whose.Key == "" {
		return e
	}
	var alike []string
	err := state.Keys(ctx, func(key string) error {
		if similar(whose.Key, key) && !slices.Contains(alike, key) {
			alike = append(alike, key)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for who may have been meant: %w", err)
	}
	for len(e.Near) < mostNear {
		best := crm.Nearest(whose.Key, alike)
		if best == "" {
			break
		}
		e.Near = append(e.Near, best)
		alike = slices.DeleteFunc(alike, func(key string) bool { return key == best })
	}
	for _, key := range alike {
		if local(key) == local(whose.Key) && len(e.Near) < mostNear {
			e.Near = append(e.Near, key)
		}
	}
	return e
}

// similar reports whether two keys may be one that was mistyped, or the same
// name at another domain: it is asked of every contact there is.
func similar(a, b string) bool {
	const typos = 2
	if d := len(a) - len(b); d >= -typos && d <= typos {
		head := 0
		for head < min(len(a), len(b)) && a[head] == b[head] {
			head++
		}
		tail := 0
		for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
			tail++
		}
		if head+tail >= min(len(a), len(b))-typos {
			return true
		}
	}
	return local(a) == local(b)
}

func local(key string) string { return key[:max(0, strings.LastIndexByte(key, '@'))] }
