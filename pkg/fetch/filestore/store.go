package filestore

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Options say which folder to read.
type Options struct {
	Dir string       // the folder, such as /data/mlruns; absolute
	Log *slog.Logger // gets a warning for each object that a listing had to pass over; nil: none
}

// A Store is an open folder store. Its answers are those of the moment when
// they are read, but experiments are searched for runs and logged models only
// once: those that are made later are not found.
type Store struct {
	dir  string
	root folder
	log  *slog.Logger
	find finder

	families families
}

var _ fetch.Source = (*Store)(nil)

// inFlight is how many objects are read at once.
const inFlight = 8

// Folders with a meaning of their own.
const (
	modelsDir = "models" // the registry; within an experiment its logged models
	trashDir  = ".trash"
	metaFile  = "meta.yaml"
)

// Open opens the folder and looks whether it is a store: it must hold an
// experiment or a registered model. Errors are for people and have hints.
func Open(ctx context.Context, o Options) (*Store, error) {
	if !filepath.IsAbs(o.Dir) {
		return nil, mlflow.Reason(mlflow.ErrInvalid, "folder store %q: the path is not absolute", o.Dir)
	}
	if err := checkFolder(o.Dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, failed("opening the folder store "+o.Dir, err)
	}
	s := &Store{dir: o.Dir, root: folder{root: root, path: "."}, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	ok, err := s.holdsAnything(ctx)
	if err == nil && !ok {
		err = s.notAStore()
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return s, nil
}

func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	op := "opening the folder store " + dir
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &mlflow.Error{Op: op, Err: mlflow.Reason(mlflow.ErrNotFound, "there is no such folder"),
			Hint: "check the path of `tracking:` or --tracking-uri; relative paths in a manifest are relative to the manifest"}
	case err != nil:
		return failed(op, err)
	case !info.IsDir():
		return &mlflow.Error{Op: op, Err: mlflow.Reason(mlflow.ErrInvalid, "it is not a folder"),
			Hint: "a folder store is a folder such as mlruns; for a database write sqlite:///" + filepath.ToSlash(dir)}
	}
	return nil
}

// holdsAnything looks for one experiment or one registered model.
func (s *Store) holdsAnything(ctx context.Context) (bool, error) {
	experiments, err := s.experimentFolders(ctx)
	if err != nil {
		return false, err
	}
	for _, e := range experiments {
		if s.root.isFile(e + "/" + metaFile) {
			return true, nil
		}
	}
	models, err := s.root.dirs(modelsDir)
	if err != nil && !absent(err) {
		return false, failed("reading "+s.dir, err)
	}
	for _, m := range models {
		if s.root.isFile(modelsDir + "/" + m + "/" + metaFile) {
			return true, nil
		}
	}
	return false, nil
}

// notAStore says what the folder probably is instead.
func (s *Store) notAStore() error {
	hint := "a folder store holds one folder per experiment, each with a meta.yaml"
	switch {
	case s.root.isFile("mlruns/0/" + metaFile), s.root.isDir("mlruns"):
		hint = "did you mean " + filepath.Join(s.dir, "mlruns") + "?"
	case s.root.isFile("mlflow.db"):
		hint = "did you mean the database, sqlite:///" + filepath.ToSlash(filepath.Join(s.dir, "mlflow.db")) + "?"
	case s.root.isFile(metaFile):
		hint = "this looks like a part of a store; did you mean " + filepath.Dir(s.dir) + "?"
	}
	return &mlflow.Error{Op: "opening the folder store " + s.dir,
		Err: mlflow.Reason(mlflow.ErrInvalid, "there are no experiments and no registered models in it"), Hint: hint}
}

// Close closes the folder. Reads that are under way fail.
func (s *Store) Close() error { return s.root.root.Close() }

// Dir is the folder that was opened.
func (s *Store) Dir() string { return s.dir }
