package sink

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// What Open may refuse a folder for.
var (
	ErrNotTree = errors.New("not a tree of mlreport")         // it holds other files, or a newer mlreport wrote it
	ErrLocked  = errors.New("another batch is writing there") // the message says who
)

// errLeadsOut is os.Root's refusal, which has no name there.
var errLeadsOut = errors.New("a link there leads out of the tree")

// diskError is what went wrong with a file, as one line, with what to do about
// it. The path is in op, so that of a system call's error only the reason is
// kept; errors.Is still finds it.
func diskError(op string, err error) error {
	var known *mlflow.Error
	if errors.As(err, &known) {
		return err
	}
	var call *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &call):
		err = call.Err
	case errors.As(err, &link):
		err = link.Err
	}
	if err.Error() == syscall.ENOTDIR.Error() { // os.Root has no number for it
		err = syscall.ENOTDIR
	}
	if err.Error() == "path escapes from parent" {
		err = errLeadsOut
	}
	return &mlflow.Error{Op: op, Err: err, Hint: diskHint(err)}
}

func diskHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full: free some space or choose another folder, then run again; what was written is valid"
	case errors.Is(err, syscall.EROFS):
		return "the file system is read-only: choose another folder"
	case errors.Is(err, fs.ErrPermission):
		return "this user may not write there: change the folder's owner or mode, or choose another folder"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return "a file is where a folder should be, or the other way round: move it away or choose another folder"
	case errors.Is(err, errLeadsOut):
		return "nothing is written through links that lead out of the tree: remove the link"
	case errors.Is(err, syscall.EIO):
		return "the disk reports a fault: look at the system's log; what was written before is valid"
	}
	return ""
}
