package sqlstore

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A place is a SQLite database as it lies on disk.
//
// SQLite reads a database in place without changing anything in two cases:
// it uses a rollback journal and there is none to roll back, or it uses a
// write-ahead log and both -wal and -shm are there (the -shm is only a table
// of locks). In all others a reader would leave -wal and -shm behind, or
// cannot read at all: then database and side file are copied, and the copy is
// read. `immutable=1` is no way out: it showed old rows, and rows that were
// never committed.
type place struct {
	path string // links resolved: SQLite looks for side files beside what they lead to
	shm  bool   // a file -shm is there
	wal  bool   // a file -wal is there, or the header says that one is used
}

const lfsPointer = "version https://git-lfs.github.com/spec/"

// inspect looks at the database file and the files beside it.
func inspect(path string) (place, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return place{}, cannotOpen(path, err)
	}
	if real, err = filepath.Abs(real); err != nil {
		return place{}, cannotOpen(path, err)
	}
	head, err := readHeader(path, real)
	if err != nil {
		return place{}, err
	}
	p := place{path: real, shm: exists(real + "-shm"), wal: exists(real + "-wal")}
	p.wal = p.wal || head[writeVersionAt] == writeAheadLog || head[readVersionAt] == writeAheadLog
	return p, nil
}

// readHeader reads the first bytes of a file that should be a database.
func readHeader(path, real string) ([]byte, error) {
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return nil, cannotOpen(path, err)
	case info.IsDir():
		return nil, refuse(mlflow.ErrInvalid, path+" is a folder, not a SQLite database", "give the database file in it, often mlflow.db; an mlruns folder is given as a path without sqlite:")
	case !info.Mode().IsRegular():
		return nil, refuse(mlflow.ErrInvalid, path+" is not a regular file", "give the path of MLflow's database file")
	case info.Size() == 0:
		return nil, refuse(mlflow.ErrInvalid, "the database "+path+" is an empty file", "check the path: SQLite makes such a file when it is given a wrong one")
	}
	f, err := os.Open(real)
	if err != nil {
		return nil, cannotOpen(path, err)
	}
	defer f.Close()
	head := make([]byte, 100)
	n, err := io.ReadFull(f, head)
	switch {
	case bytes.HasPrefix(head, []byte(lfsPointer)):
		return nil, refuse(mlflow.ErrInvalid, path+" is a Git LFS pointer, not the database it stands for", "fetch the file with `git lfs pull` in its repository")
	case !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) || err != nil && n < len(head):
		return nil, notADatabase(path)
	}
	return head, nil
}

func notADatabase(path string) error {
	return refuse(mlflow.ErrInvalid, path+" is not a SQLite database", "give the file that the server was started with (--backend-store-uri sqlite:///...), often mlflow.db")
}

func cannotOpen(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(mlflow.ErrNotFound, "there is no database "+path, "check the path; sqlite:/// is followed by a relative path, sqlite://// by an absolute one")
	case errors.Is(err, fs.ErrPermission):
		return refuse(mlflow.ErrDenied, "the database "+path+" may not be read", "ask for permission to read the file and its folder")
	}
	return refuse(mlflow.ErrUnavailable, "the database "+path+" cannot be opened: "+err.Error(), "")
}

// needsCopy tells whether SQLite could not read it here without leaving a
// trace. A journal that must be rolled back shows only when it is read.
func (p place) needsCopy() bool {
	if !p.wal {
		return false
	}
	return !exists(p.path+"-wal") || !p.shm || !writable(p.path+"-shm") || !writable(filepath.Dir(p.path))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
