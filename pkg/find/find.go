package find

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Kind says what a candidate is.
type Kind string

// The kinds of candidates.
const (
	Database Kind = "database"    // a SQLite file
	Folder   Kind = "folder"      // an mlruns folder: it holds experiments or registered models
	Pointer  Kind = "lfs-pointer" // what Git LFS left in place of a database
)

// A Candidate is what may be a store.
type Candidate struct {
	Path  string // below the folder that was searched, which it begins with
	Kind  Kind
	Depth int // folders between it and the one that was searched; 0: directly in it
}

// Options bound a search. The zero value has the limits below.
type Options struct {
	Depth      int // folders deep; 0: 12, -1: only the folder itself
	MaxEntries int // files and folders looked at; 0: 500,000
}

// A Result is what a search found, ordered by path.
type Result struct {
	Candidates []Candidate
	Cut        bool     // there was more than Options allow to look at
	Unread     []string // folders that could not be listed
}

const (
	defaultDepth   = 12
	defaultEntries = 500_000
	maxUnread      = 100
	maxMeta        = 64 << 10 // bytes of a meta.yaml that are looked at
)

// Stores looks for candidates in a folder and below it. A candidate folder is
// not searched, but for files directly in it; neither are folders of version
// control, of installed packages and of this program. The error is ctx's, or
// that dir cannot be listed.
func Stores(ctx context.Context, dir string, o Options) (Result, error) {
	if o.Depth == 0 {
		o.Depth = defaultDepth
	}
	if o.MaxEntries == 0 {
		o.MaxEntries = defaultEntries
	}
	s := &searcher{Options: o, seen: map[string]bool{}}
	if err := s.folder(ctx, dir, 0); err != nil {
		return Result{}, err
	}
	slices.SortFunc(s.result.Candidates, func(a, b Candidate) int { return strings.Compare(a.Path, b.Path) })
	return s.result, nil
}

// File tells what a file or a folder itself is, "" when it is no store.
func File(path string) (Kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		kind, _ := fileKind(path)
		return kind, nil
	}
	list, err := (&searcher{Options: Options{MaxEntries: defaultEntries}}).list(path)
	if err == nil && isStore(path, list) {
		return Folder, nil
	}
	return "", err
}

type searcher struct {
	Options
	entries int
	seen    map[string]bool // real paths of candidates
	result  Result
}

// folder looks at one folder and what lies below it.
func (s *searcher) folder(ctx context.Context, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, err := s.list(dir)
	if err != nil {
		if depth == 0 {
			return err
		}
		s.unread(dir)
		return nil
	}
	here := isStore(dir, list)
	if here {
		s.found(dir, Folder, max(depth-1, 0))
	}
	for _, e := range list {
		if s.entries++; s.entries > s.MaxEntries {
			s.result.Cut = true
			return nil
		}
		if err := s.entry(ctx, dir, e, depth, here); err != nil {
			return err
		}
	}
	return nil
}

// entry looks at one file or folder; within says that it lies in a store.
func (s *searcher) entry(ctx context.Context, dir string, e fs.DirEntry, depth int, within bool) error {
	path := filepath.Join(dir, e.Name())
	if e.Type()&fs.ModeSymlink != 0 {
		s.link(path, depth)
		return nil
	}
	if e.Type().IsRegular() {
		if kind, ok := fileKind(path); ok {
			s.found(path, kind, depth)
		}
		return nil
	}
	if !e.IsDir() || within || skipped(e.Name()) {
		return nil
	}
	if s.Depth < 0 || depth >= s.Depth {
		s.result.Cut = s.result.Cut || s.Depth > 0
		return nil
	}
	return s.folder(ctx, path, depth+1)
}

// link looks whether what a link leads to is itself a store; it is not
// searched, since links may lead anywhere, and in circles.
func (s *searcher) link(path string, depth int) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		if kind, ok := fileKind(path); ok {
			s.found(path, kind, depth)
		}
	case info.IsDir():
		if list, err := s.list(path); err == nil && isStore(path, list) {
			s.found(path, Folder, depth)
		}
	}
}

func (s *searcher) found(path string, kind Kind, depth int) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	if s.seen[real] {
		return
	}
	s.seen[real] = true
	s.result.Candidates = append(s.result.Candidates, Candidate{path, kind, depth})
}

func (s *searcher) unread(dir string) {
	if len(s.result.Unread) < maxUnread {
		s.result.Unread = append(s.result.Unread, dir)
	}
}

// list lists a folder in byte order, at most as many entries as are left.
func (s *searcher) list(dir string) ([]fs.DirEntry, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	left := s.MaxEntries - s.entries + 1
	list, err := d.ReadDir(max(left, 1))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}

// skipped are folders that hold no stores, but many files.
func skipped(name string) bool {
	switch name {
	case ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "site-packages", "__pycache__", ".tox", ".nox", ".dvc", "mlreport-out":
		return true
	}
	return false
}

// fileKind tells databases from other files by size and first bytes: SQLite's
// files are whole pages of at least 512 bytes.
func fileKind(path string) (Kind, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false
	}
	small := info.Size() < 1024 && named(path)
	if !small && (info.Size() == 0 || info.Size()%512 != 0) {
		return "", false
	}
	head := firstBytes(path, 48)
	switch {
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return Database, true
	case small && bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")):
		return Pointer, true
	}
	return "", false
}

// named tells whether a file is called like a database.
func named(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".db", ".sqlite", ".sqlite3", ".db3":
		return true
	}
	return false
}

// isStore tells whether a folder holds an experiment or a registered model as
// MLflow's folder store writes them.
func isStore(dir string, list []fs.DirEntry) bool {
	for _, e := range list {
		if !e.IsDir() || e.Name() == ".trash" {
			continue
		}
		if e.Name() == "models" && isRegistry(filepath.Join(dir, "models")) {
			return true
		}
		meta := filepath.Join(dir, e.Name(), "meta.yaml")
		id, ok := metaValue(meta, "experiment_id")
		if _, experiment := metaValue(meta, "artifact_location"); ok && experiment && id == e.Name() {
			return true
		}
	}
	return false
}

// isRegistry tells whether a folder `models` holds registered models; that of
// an experiment holds logged ones.
func isRegistry(dir string) bool {
	d, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer func() { _ = d.Close() }()
	names, _ := d.Readdirnames(1000) // one of so many is a model, or none is
	for _, n := range names {
		meta := filepath.Join(dir, n, "meta.yaml")
		_, logged := metaValue(meta, "model_id")
		if name, ok := metaValue(meta, "name"); ok && !logged && name == n {
			return true
		}
	}
	return false
}

// metaValue is the text at a key of a meta.yaml, without quotes.
func metaValue(path, key string) (string, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	for line := range strings.Lines(string(firstBytes(path, maxMeta))) {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.Trim(strings.TrimSpace(v), `'"`), true
		}
	}
	return "", false
}

// firstBytes are the first bytes of a regular file, fewer when it is shorter
// or cannot be read.
func firstBytes(path string, n int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	data, _ := io.ReadAll(io.LimitReader(f, n)) // what could be read decides
	return data
}
