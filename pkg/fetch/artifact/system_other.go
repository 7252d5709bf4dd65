//go:build !unix

package artifact

import (
	"errors"
	"strings"
	"syscall"
)

const nonblock = 0 // named pipes are no files here

const hasShares = true

func isNoName(err error) bool {
	const invalidName = syscall.Errno(123)
	for _, no := range []error{syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EINVAL, invalidName} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// sameName compares names as Windows does, near enough for a prefix.
func sameName(a, b string) bool { return strings.EqualFold(a, b) }
