package offsets_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mlreport/mlreport/internal/offsets"
)

func TestEachKeyIsFoundWhereItWasAdded(t *testing.T) {
	for _, size := range []int64{0, 1, 100_000, 1 << 40} {
		table := offsets.New(size)
		n := min(size, 50_000)
		at := func(i int64) int64 { return i * (size / max(n, 1)) }
		for i := range n {
			table.Add(at(i), "host", fmt.Sprint("key-", i))
			table.Add(at(i), "host", fmt.Sprint("key-", i))
			table.Add(at(i), fmt.Sprint("group-", i/3))
		}
		table.Ready()
		for i := range n {
			if got := slices.Collect(table.Find("host", fmt.Sprint("key-", i))); !slices.Contains(got, at(i)) || !slices.IsSorted(got) {
				t.Fatalf("of %d bytes: key %d is at %v, not %d", size, i, got, at(i))
			}
			if got := slices.Collect(table.Find(fmt.Sprint("group-", i/3))); !slices.Contains(got, at(i)) {
				t.Fatalf("of %d bytes: group %d is at %v, without %d", size, i/3, got, at(i))
			}
		}
	}
}

func TestOffsetsOfOtherKeysAreRare(t *testing.T) {
	const rows = 100_000
	table := offsets.New(rows * 1000)
	for i := range int64(rows) {
		table.Add(i*1000, fmt.Sprint(i))
	}
	table.Ready()
	other := 0
	for i := range rows {
		other += len(slices.Collect(table.Find(fmt.Sprint("not ", i)))) + len(slices.Collect(table.Find(fmt.Sprint(i)))) - 1
	}
	if other > rows/100 {
		t.Errorf("%d of %d questions gave an offset of another key", other, 2*rows)
	}
}

func TestPartsOfAKeyAreNotRunTogether(t *testing.T) {
	table := offsets.New(10)
	table.Add(1, "ab", "c")
	table.Ready()
	if got := slices.Collect(table.Find("a", "bc")); got != nil {
		t.Errorf("found at %v", got)
	}
}
