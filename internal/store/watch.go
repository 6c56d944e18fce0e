package store

import (
	"slices"
	"sync"

	"github.com/dealbell/dealbell/internal/crm"
)

// watches tells those who wait for a delivery that it has ended.
type watches struct {
	mu         sync.Mutex
	byDelivery map[string][]chan struct{}
}

// Watch returns a channel that is closed when the delivery is done, dead or
// dropped. Call it before Accept so as to miss nothing, and stop afterwards.
func (db *DB) Watch(delivery string) (ended <-chan struct{}, stop func()) {
	w, ch := &db.watches, make(chan struct{})
	w.mu.Lock()
	w.byDelivery[delivery] = append(w.byDelivery[delivery], ch)
	w.mu.Unlock()
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		rest := slices.DeleteFunc(w.byDelivery[delivery], func(c chan struct{}) bool { return c == ch })
		if len(rest) == 0 {
			delete(w.byDelivery, delivery)
		} else {
			w.byDelivery[delivery] = rest
		}
	}
}

func (w *watches) tell(moved []crm.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range moved {
		if p.State == crm.DeliveryQueued || p.State == crm.DeliveryNoting {
			continue
		}
		for _, ch := range w.byDelivery[p.Delivery] {
			close(ch)
		}
		delete(w.byDelivery, p.Delivery)
	}
}
