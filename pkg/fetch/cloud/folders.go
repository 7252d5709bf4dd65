package cloud

import (
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// folders makes a tree of the keys of a listing, in the order in which they
// come: a folder is told before what is in it.
type folders struct {
	depth int // -1: all
	any   bool
	known map[string]bool
	// An empty object may be how a store keeps a folder (`data` beside
	// `data/x`, Azure's Data Lake): which of them is one is known at the end.
	empty []string
}

func newFolders(depth int) *folders { return &folders{depth: depth, known: map[string]bool{}} }

// add takes a key, relative to the folder that is listed. It returns false
// when yield did.
func (f *folders) add(rel string, size int64, yield func(mlflow.FileInfo, error) bool) bool {
	f.any = true
	isFolder := strings.HasSuffix(rel, "/") // a level's folder, or the marker that consoles leave
	rel = strings.TrimSuffix(rel, "/")
	if rel == "" {
		return true
	}
	parts := strings.Split(rel, "/")
	for i := 1; i <= len(parts); i++ {
		if i == len(parts) && !isFolder || f.depth >= 0 && i > f.depth {
			break
		}
		folder := strings.Join(parts[:i], "/")
		if f.known[folder] {
			continue
		}
		f.known[folder] = true
		if !yield(mlflow.FileInfo{Path: folder, Dir: true}, nil) {
			return false
		}
	}
	if isFolder || f.depth >= 0 && len(parts) > f.depth {
		return true
	}
	if size == 0 {
		f.empty = append(f.empty, rel)
		return true
	}
	return yield(mlflow.FileInfo{Path: rel, Bytes: size}, nil)
}

// flush tells the files that are empty.
func (f *folders) flush(yield func(mlflow.FileInfo, error) bool) {
	for _, rel := range f.empty {
		if !f.known[rel] && !yield(mlflow.FileInfo{Path: rel}, nil) {
			return
		}
	}
}
