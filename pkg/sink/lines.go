package sink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/bulk"
)

// Lines are the reports of a finished tree that has them as lines. It locks
// nothing: a batch that ends meanwhile takes its files away.
type Lines struct {
	root *os.Root
	*bulk.Reader
}

// OpenLines opens the lines of the tree in a folder; a tree that has none
// gives Lines without any.
func OpenLines(dir string) (*Lines, error) {
	root, err := os.OpenRoot(filepath.Join(dir, bulkFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return &Lines{}, nil
	}
	if err != nil {
		return nil, diskError("opening "+filepath.Join(dir, bulkFolder), err)
	}
	r, err := bulk.Open(root)
	if err != nil {
		return nil, errors.Join(diskError("reading "+filepath.Join(dir, bulkFolder), err), root.Close())
	}
	return &Lines{root, r}, nil
}

// Line is the report of a place on one line; nil when there is none.
func (l *Lines) Line(place string) ([]byte, error) {
	if l.Reader == nil {
		return nil, nil
	}
	return l.Reader.Line(place)
}

// Close closes what OpenLines opened.
func (l *Lines) Close() error {
	var err error
	if l.Reader != nil {
		err = l.Reader.Close()
	}
	if l.root != nil {
		err = errors.Join(err, l.root.Close())
	}
	return err
}
