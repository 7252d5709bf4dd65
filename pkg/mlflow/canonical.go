package mlflow

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// AppendCanonical writes a value (see Object) behind dst in a form of its own,
// made to be hashed: two values give the same bytes when they are equal.
// Unless ordered, lists count as equal when they hold the same items, in
// whatever order a store gave them.
func AppendCanonical(dst []byte, v any, ordered bool) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case Number:
		return appendSized(append(dst, '0'), string(v))
	case string:
		return appendSized(append(dst, '"'), v)
	case *Object:
		if v == nil {
			return append(dst, 'n')
		}
		dst = binary.AppendUvarint(append(dst, '{'), uint64(len(v.members)))
		for i := range v.members {
			dst = AppendCanonical(appendSized(dst, v.members[i].Key), v.members[i].Value, ordered)
		}
		return dst
	case []any:
		return appendItems(binary.AppendUvarint(append(dst, '['), uint64(len(v))), v, ordered)
	}
	return append(dst, 'n') // null
}

func appendSized(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// appendItems writes the items of a list; in the order of their bytes unless
// ordered.
func appendItems(dst []byte, list []any, ordered bool) []byte {
	start, inOrder, last := len(dst), true, 0
	ends := make([]int, 0, 32)
	for i, item := range list {
		from := len(dst)
		dst = AppendCanonical(dst, item, ordered)
		inOrder = inOrder && (i == 0 || bytes.Compare(dst[last:from], dst[from:]) <= 0)
		last = from
		ends = append(ends, len(dst))
	}
	if ordered || inOrder {
		return dst
	}
	all := bytes.Clone(dst[start:])
	items := make([][]byte, len(ends))
	for i, end := range ends {
		from := 0
		if i > 0 {
			from = ends[i-1] - start
		}
		items[i] = all[from : end-start]
	}
	slices.SortFunc(items, bytes.Compare)
	dst = dst[:start]
	for _, item := range items {
		dst = append(dst, item...)
	}
	return dst
}
