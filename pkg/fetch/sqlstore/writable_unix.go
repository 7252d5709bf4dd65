//go:build unix

package sqlstore

import "golang.org/x/sys/unix"

// writable asks without opening the file: closing it would drop the locks
// that SQLite holds on it for this process.
func writable(path string) bool {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS) == nil
}
