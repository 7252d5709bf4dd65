package sink

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	lockName   = ".mlreport.lock"
	beatEvery  = 10 * time.Second
	beatStale  = time.Minute            // a holder that was silent for so long is dead
	lockPoll   = 250 * time.Millisecond // between two looks while waiting
	maxLock    = 64 << 10               // bytes of a lock file
	bootIDFile = "/proc/sys/kernel/random/boot_id"
)

var (
	errHeld    = errors.New("held")
	errNoLocks = errors.New("this file system has no locks")
)

// A lock keeps two batches apart. The kernel's lock on the file decides; what
// the file says decides only where that lock may not reach: between two
// kernels (a shared volume), and on a file system without locks. An empty file
// says that the last holder ended in order.
type lock struct {
	path string
	root *os.Root
	file *os.File
	now  func() time.Time
	stop chan struct{}
	done sync.WaitGroup

	mu   sync.Mutex
	mine holder
}

// holder is what the lock file says.
type holder struct {
	ID        string    `json:"id"`      // drawn anew by each batch
	BootID    string    `json:"boot_id"` // of the kernel it runs on
	Name      string    `json:"holder"`
	Started   time.Time `json:"started"`
	Heartbeat time.Time `json:"heartbeat"`
}

// acquire takes the lock of a tree, waiting for it at most o.LockWait. unclean
// tells that the last holder died.
func acquire(ctx context.Context, top folder, o Options) (l *lock, unclean bool, err error) {
	deadline := time.NewTimer(o.LockWait)
	defer deadline.Stop()
	for {
		l, unclean, err = tryLock(top, o, lockFile)
		if !errors.Is(err, ErrLocked) || o.LockWait <= 0 {
			return l, unclean, err
		}
		select {
		case <-ctx.Done():
			return nil, false, errors.Join(err, context.Cause(ctx))
		case <-deadline.C:
			return nil, false, err
		case <-time.After(lockPoll):
		}
	}
}

func tryLock(top folder, o Options, osLock func(*os.File) error) (*lock, bool, error) {
	file, err := top.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, false, top.fail("locking", lockName, err)
	}
	l := &lock{path: filepath.Join(top.disk.dir, lockName), root: top.root, file: file, now: o.Now, stop: make(chan struct{})}
	l.mine = holder{ID: rand.Text(), BootID: bootID(), Name: o.Holder, Started: l.clock()}
	unclean, err := l.take(osLock)
	if err != nil {
		file.Close()
		return nil, false, err
	}
	l.done.Go(l.beat)
	return l, unclean, nil
}

func (l *lock) take(osLock func(*os.File) error) (unclean bool, err error) {
	held := osLock(l.file)
	if held != nil && held != errHeld && held != errNoLocks {
		return false, diskError("locking "+l.path, held)
	}
	other, found, err := l.read()
	if err != nil {
		return false, diskError("locking "+l.path, err)
	}
	dead := held == nil && other.BootID == l.mine.BootID // the kernel gave us what it had
	if held == errHeld || found && !dead && l.now().Sub(other.Heartbeat) < beatStale {
		return false, l.heldBy(other)
	}
	if err := l.write(); err != nil {
		return false, diskError("locking "+l.path, err)
	}
	return found, nil
}

func (l *lock) heldBy(h holder) error {
	who := "another batch"
	if h.Name != "" {
		who = h.Name
	}
	if !h.Started.IsZero() {
		who += fmt.Sprintf(", since %s, last sign of life %s", h.Started.UTC().Format(time.RFC3339), h.Heartbeat.UTC().Format(time.RFC3339))
	}
	return &mlflow.Error{
		Op: "opening " + filepath.Dir(l.path), Err: fmt.Errorf("%w: %s", ErrLocked, who),
		Hint: fmt.Sprintf("wait for it, or choose another folder; if it runs no more and does not go away within %v, remove %s", beatStale, l.path),
	}
}

// clock is the time as it is written down.
func (l *lock) clock() time.Time { return l.now().UTC().Truncate(time.Second) }

// read gives what the file says; false when it is empty. Of a file that cannot
// be understood, its time of change is the heartbeat.
func (l *lock) read() (holder, bool, error) {
	data, err := io.ReadAll(io.NewSectionReader(l.file, 0, maxLock))
	if err != nil || len(data) == 0 {
		return holder{}, false, err
	}
	var h holder
	if json.Unmarshal(bytes.TrimRight(data, " \n\x00"), &h) == nil {
		return h, true, nil
	}
	info, err := l.file.Stat()
	if err != nil {
		return holder{}, true, err
	}
	return holder{Heartbeat: info.ModTime()}, true, nil
}

func (l *lock) write() error {
	l.mine.Heartbeat = l.clock()
	data, err := json.Marshal(l.mine)
	if err != nil {
		return err
	}
	if _, err := l.file.WriteAt(append(data, '\n'), 0); err != nil {
		return err
	}
	return l.file.Truncate(int64(len(data)) + 1)
}

// beat shows that the holder is alive, until the lock is released or lost.
func (l *lock) beat() {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
			l.mu.Lock()
			if l.check() == nil {
				_ = l.write() // a beat that is lost costs nothing
			}
			l.mu.Unlock()
		}
	}
}

// held gives an error when another batch has taken the lock over, which can
// happen to a holder that was silent for too long.
func (l *lock) held() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.check()
}

func (l *lock) check() error {
	h, found, err := l.read()
	if err != nil {
		return diskError("reading "+l.path, err)
	}
	if !found || h.ID != l.mine.ID || !l.inPlace() {
		return l.heldBy(h)
	}
	return nil
}

// inPlace tells whether the file that we hold is still the one others look at.
func (l *lock) inPlace() bool {
	seen, err := l.root.Lstat(lockName)
	if err != nil {
		return false
	}
	ours, err := l.file.Stat()
	return err == nil && os.SameFile(seen, ours)
}

// release gives the lock back. clean says that nothing is to be tidied up.
func (l *lock) release(clean bool) error {
	close(l.stop)
	l.done.Wait()
	var err error
	if clean && l.held() == nil {
		err = l.file.Truncate(0)
	}
	return errors.Join(err, l.file.Close())
}

// bootID names the run of the kernel; "" where it has no name.
func bootID() string {
	data, err := os.ReadFile(bootIDFile)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data))
}
