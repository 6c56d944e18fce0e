package digest

import "slices"

// top keeps the first few of many and counts them all.
type top[T any] struct {
	limit   int
	compare func(a, b T) int
	count   int
	kept    []T // in order; of equals the first comes first
}

func (t *top[T]) add(item T) {
	t.count++
	if len(t.kept) == t.limit && t.compare(item, t.kept[t.limit-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(t.kept, item, func(kept, item T) int {
		if t.compare(kept, item) <= 0 {
			return -1
		}
		return 1
	})
	if len(t.kept) == t.limit {
		t.kept = t.kept[:t.limit-1]
	}
	t.kept = slices.Insert(t.kept, at, item)
}
