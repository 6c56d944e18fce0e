package cli

import "testing"

func TestAnImportLeavesLeadsSomeRoom(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, tc := range []struct {
		name   string
		free   uint64
		file   int64
		writes int
		want   bool
	}{
		{"a small file on a large disk", 1000 * mb, 1 * mb, 10_000, true},
		{"a small file on a disk that is nearly full", 60 * mb, 1000, 10, false},
		{"many rows need more than the file has", 400 * mb, 10 * mb, 100_000, false},
		{"the same with enough", 500 * mb, 10 * mb, 100_000, true},
		{"a wide file", 200 * mb, 60 * mb, 100, false},
	} {
		if err := room(tc.free, tc.file, tc.writes); (err == nil) != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
