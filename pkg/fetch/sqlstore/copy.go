package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// copyTries is how often a database is copied before it is given up because a
// program kept writing to it.
const copyTries = 4

// privateCopy copies a database, with its -wal and -journal, into a new folder
// that only this user can read, below tempDir.
func privateCopy(ctx context.Context, path, tempDir string) (string, error) {
	dir, err := os.MkdirTemp(tempDir, "mlreport-db-")
	if err != nil {
		return "", refuse(mlflow.ErrUnavailable, "no temporary folder for a copy of the database "+path+": "+err.Error(), "")
	}
	if err := copyInto(ctx, path, dir); err != nil {
		_ = os.RemoveAll(dir) // the first error counts
		return "", err
	}
	return dir, nil
}

// copyInto copies until nobody writes meanwhile.
func copyInto(ctx context.Context, path, dir string) error {
	for range copyTries {
		before := stampOf(path)
		for _, suffix := range []string{"", "-wal", "-journal"} {
			err := copyFile(ctx, path+suffix, filepath.Join(dir, filepath.Base(path)+suffix))
			if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
				return copyError(ctx, path, err)
			}
		}
		if stampOf(path) == before {
			return nil
		}
	}
	return refuse(mlflow.ErrUnavailable, "the database "+path+" was written to each time it was copied", "run it again when the program that writes to it has finished")
}

func copyError(ctx context.Context, path string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return cannotOpen(path, err)
	}
	return refuse(mlflow.ErrUnavailable, "the database "+path+" could not be copied in order to read it: "+err.Error(), "make room on the disk of temporary files")
}

// stampOf changes when the database or a side file that counts does.
func stampOf(path string) string {
	var stamp string
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if info, err := os.Stat(path + suffix); err == nil {
			stamp += fmt.Sprint(suffix, info.Size(), info.ModTime().UnixNano(), ";")
		}
	}
	return stamp
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		os.Remove(to) // of a try before
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	const piece = 64 << 20 // between looks at ctx
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, piece); err == io.EOF {
			return out.Close()
		} else if err != nil {
			return err
		}
	}
}
