// Package offsets finds places in a file by key, with eight bytes of memory
// for each.
package offsets

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// A Table says where in a file there is something under a key, and now and then
// names a place of another key: whoever reads there has to look whose it is.
//
// First everything is added, then Ready is called once; only then Find may be,
// by many at a time.
type Table struct {
	seed  maphash.Seed
	width int      // bits of an offset
	keys  []uint64 // what of a key's hash has room above the offset
}

// New makes a table of a file of so many bytes: the larger it is, the less of
// a key's hash has room. Of a terabyte it is still one in sixteen millions.
func New(size int64) *Table {
	return &Table{seed: maphash.MakeSeed(), width: bits.Len64(uint64(size))}
}

// Add adds an offset below the file's size, under a key of some parts.
func (t *Table) Add(offset int64, key ...string) {
	t.keys = append(t.keys, t.hash(key)|uint64(offset))
}

// Ready ends adding.
func (t *Table) Ready() {
	slices.Sort(t.keys)
	t.keys = slices.Compact(t.keys)
}

// Find streams the offsets of a key, ascending.
func (t *Table) Find(key ...string) iter.Seq[int64] {
	hash := t.hash(key)
	return func(yield func(int64) bool) {
		mask := uint64(1)<<t.width - 1
		for i, _ := slices.BinarySearch(t.keys, hash); i < len(t.keys) && t.keys[i]&^mask == hash; i++ {
			if !yield(int64(t.keys[i] & mask)) {
				return
			}
		}
	}
}

// hash has zeros where the offset goes.
func (t *Table) hash(key []string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, part := range key {
		h.WriteString(part)
		h.WriteByte(0xff) // in no text
	}
	return h.Sum64() >> t.width << t.width
}
