package artifact

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlreport/mlreport/pkg/fetch"
)

// A quickDir is a folder in which Linux itself keeps paths from leading out:
// one call opens a file, where os.Root needs two for each folder on the way.
type quickDir struct {
	file *os.File
	conn syscall.RawConn
	none atomic.Bool // the system cannot, or is not allowed to
}

// openQuickDir gives nil when the folder cannot be opened once more.
func openQuickDir(root *os.Root) *quickDir {
	file, err := root.Open(".")
	if err != nil {
		return nil
	}
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil
	}
	return &quickDir{file: file, conn: conn}
}

func (d *quickDir) close() error {
	if d == nil {
		return nil
	}
	return d.file.Close()
}

// readQuickly reads a regular file. ok is false when there is anything else to
// say about it, when it is being written, or when its size is 0, which some file
// systems say of what they do not know: then the long way says what.
func (f *folder) readQuickly(rel string, limit int64, since fetch.Stamp) (out fetch.File, ok bool) {
	if _, err := f.open(); err != nil || f.quick == nil || f.quick.none.Load() {
		return out, false
	}
	fd, err := f.quick.open(rel)
	if err != nil {
		f.quick.none.Store(errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM))
		return out, false
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFREG || info.Size == 0 || info.Size > limit {
		return out, false
	}
	out.Stamp = fetch.Stamp{Size: info.Size, ModTime: time.Unix(info.Mtim.Unix())}
	if out.Unchanged = unchanged(out.Stamp, since); out.Unchanged {
		return out, true
	}
	out.Data, ok = readExactly(fd, info.Size)
	return out, ok
}

func (d *quickDir) open(rel string) (fd int, err error) {
	how := &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	closed := d.conn.Control(func(dir uintptr) { fd, err = unix.Openat2(int(dir), rel, how) })
	return fd, errors.Join(closed, err)
}

// readExactly reads a file to its end, if that is where it is said to be.
func readExactly(fd int, size int64) ([]byte, bool) {
	data := make([]byte, size+1)
	n := 0
	for int64(n) < size {
		more, err := unix.Read(fd, data[n:])
		if err != nil || more <= 0 {
			return nil, false
		}
		n += more
	}
	return data[:size:size], int64(n) == size
}
