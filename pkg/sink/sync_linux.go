package sink

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncEachFile is false where the whole file system can be told to write
// everything down at once, which costs the same for one file and for 100,000.
const syncEachFile = false

// syncAll makes durable what was written below dir.
func syncAll(dir *os.File) error {
	err := unix.Syncfs(int(dir.Fd()))
	if errors.Is(err, unix.ENOSYS) { // in some sandboxes
		unix.Sync()
		return nil
	}
	return os.NewSyscallError("syncfs", err)
}

// syncFolder makes durable what was renamed in dir.
func syncFolder(dir *os.File) error {
	err := dir.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) { // not with folders of this file system
		return nil
	}
	return err
}
