package sink

import (
	"errors"
	"io/fs"
	"syscall"
)

// OfOnePlace tells whether an error of WriteReport or Keep is about one place
// only, such as a file that is where its folder should be: then the others may
// still be written. What ails the whole disk ends a batch.
func OfOnePlace(err error) bool {
	for _, whole := range []error{ErrLocked, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, whole) {
			return false
		}
	}
	for _, one := range []error{errLeadsOut, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.ENOTEMPTY, fs.ErrPermission} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
