package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// treeIndex opens the index of a finished tree.
func treeIndex(dir string) (index *report.IndexReader, done func(), err error) {
	f, err := os.Open(filepath.Join(dir, "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &mlflow.Error{Err: errUsage{fmt.Errorf("%s is no tree of reports: there is no index.json in it", dir)}, Hint: "give the folder that mlreport run wrote, mostly mlreport-out"}
	} else if err != nil {
		return nil, nil, fmt.Errorf("reading the tree %s: %w", dir, withoutPath(err))
	}
	info, err := f.Stat()
	if err == nil {
		index, err = report.ReadIndex(f, info.Size())
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("reading index.json of %s: %w", dir, err)
	}
	return index, func() { _ = f.Close() }, nil
}

// treeReports reads the reports of a finished tree.
type treeReports struct {
	dir   string
	lines *sink.Lines // opened when a report has no file
}

// of reads the report of a row: its file, else its line.
func (t *treeReports) of(r report.Row) (*mlflow.Object, error) {
	i := slices.IndexFunc(r.Files, func(f report.FileRef) bool { return strings.HasSuffix(f.Path, "/report.json") })
	if i >= 0 && filepath.IsLocal(filepath.FromSlash(r.Files[i].Path)) {
		return readReport(filepath.Join(t.dir, filepath.FromSlash(r.Files[i].Path)))
	}
	if t.lines == nil {
		lines, err := sink.OpenLines(t.dir)
		if err != nil {
			return nil, err
		}
		t.lines = lines
	}
	line, err := t.lines.Line(r.Place)
	if err != nil {
		return nil, fmt.Errorf("reading the report of %s in %s: %w", r.URI, t.dir, err)
	}
	if line == nil {
		return nil, fmt.Errorf("index.json of %s names no report of %s", t.dir, r.URI)
	}
	return report.Decode(line)
}

func (t *treeReports) close() {
	if t.lines != nil {
		_ = t.lines.Close() // was only read
	}
}
