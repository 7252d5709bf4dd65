//go:build unix

package artifact

import (
	"errors"
	"syscall"
)

// nonblock opens named pipes and devices without waiting for the other side.
const nonblock = syscall.O_NONBLOCK

// hasShares: a path with two slashes in front is one with one here.
const hasShares = false

// isNoName tells whether an error means that there can be no such file.
func isNoName(err error) bool {
	for _, no := range []error{syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.ENXIO} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

func sameName(a, b string) bool { return a == b }
