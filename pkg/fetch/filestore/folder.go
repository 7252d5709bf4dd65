package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Limits of what one object may be made of.
const (
	maxValueBytes  = 16 << 20 // of one param or tag
	maxObjectBytes = 64 << 20 // of all of them
	maxObjectFiles = 100_000
	maxKeyDepth    = 128 // a key has at most 250 characters
)

// A folder is a folder of the store. It refuses whatever leads out of it: a
// link in tags/ can only lead deeper, one to a run's folder anywhere in the store.
type folder struct {
	root *os.Root
	path string // below the store, for messages
}

// component tells whether a name that comes from data names an entry of a
// folder, and nothing above or below it.
func component(name string) bool {
	return name != "." && filepath.IsLocal(name) && !strings.ContainsAny(name, "/\x00") && !strings.ContainsRune(name, filepath.Separator)
}

// sub opens a folder below this one; the caller closes it.
func (f folder) sub(name string) (folder, error) {
	if err := f.mustBeDir(name); err != nil {
		return folder{}, err
	}
	root, err := f.root.OpenRoot(name)
	return folder{root, path.Join(f.path, name)}, err
}

// mustBeDir comes before every opening of a folder: opening a pipe would block.
func (f folder) mustBeDir(name string) error {
	info, err := f.root.Stat(name)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path.Join(f.path, name), Err: syscall.ENOTDIR}
	}
	return err
}

func (f folder) close() { _ = f.root.Close() }

func (f folder) isFile(name string) bool {
	info, err := f.root.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func (f folder) isDir(name string) bool {
	info, err := f.root.Stat(name)
	return err == nil && info.IsDir()
}

// entries lists a folder by name, in byte order.
func (f folder) entries(name string) ([]fs.DirEntry, error) {
	if err := f.mustBeDir(name); err != nil {
		return nil, err
	}
	d, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	list, err := d.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}

// dirs lists the folders in a folder, in byte order. A link that leads out of
// the store is one of them: what reads it fails, and is not taken for missing.
func (f folder) dirs(name string) ([]string, error) {
	list, err := f.entries(name)
	var names []string
	for _, e := range list {
		dir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := f.root.Stat(path.Join(name, e.Name()))
			dir = err == nil && info.IsDir() || err != nil && !absent(err)
		}
		if dir {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// open opens a regular file; nothing else, since reading a pipe never ends.
func (f folder) open(name string) (*os.File, error) {
	info, err := f.root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = mlflow.Reason(mlflow.ErrUnavailable, "%s is not a file", path.Join(f.path, name))
	}
	if err != nil {
		return nil, err
	}
	return f.root.Open(name)
}

func tooLarge(at string, limit int64) error {
	return mlflow.Reason(mlflow.ErrTooLarge, "%s has more than %d MiB", at, limit>>20)
}

func (f folder) read(name string, limit int64) ([]byte, error) {
	return file{dir: f, name: name}.read(limit)
}

// errNoMeta says that a folder is there, but describes no object.
var errNoMeta = errors.New("there is no meta.yaml in it")

// meta reads the folder's meta.yaml.
func (f folder) meta(ctx context.Context) (*mlflow.Object, error) {
	for try := 1; ; try++ {
		data, err := f.read(metaFile, mlflow.MaxYAMLBytes)
		if absent(err) {
			return nil, fmt.Errorf("%s: %w", f.path, errNoMeta)
		}
		if err != nil {
			return nil, err
		}
		v, err := mlflow.DecodeYAML(data)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", f.path, metaFile, err)
		}
		if meta, ok := v.(*mlflow.Object); ok {
			return meta, nil
		}
		if v != nil || try == 3 {
			return nil, fmt.Errorf("%s/%s is not a mapping", f.path, metaFile)
		}
		select { // MLflow empties some of these files before it writes them, and waits like this, too
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A file is what MLflow keeps below tags/, params/, metrics/ or aliases/: the
// path below that folder is the key.
type file struct {
	dir     folder // that it is in
	name    string
	key     string
	regular bool // known to be no link, pipe or the like
}

func (f file) path() string { return path.Join(f.dir.path, f.name) }

func (f file) open() (*os.File, error) {
	if f.regular {
		return f.dir.root.Open(f.name)
	}
	return f.dir.open(f.name)
}

func (f file) read(limit int64) ([]byte, error) {
	in, err := f.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	if info, err := in.Stat(); err == nil && info.Size() > limit {
		return nil, tooLarge(f.path(), limit)
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = tooLarge(f.path(), limit)
	}
	return data, err
}

// removed tells whether an error means that a file that was listed is not
// there any more; a link to nowhere still is.
func (f file) removed(err error) bool {
	if !absent(err) {
		return false
	}
	_, err = f.dir.root.Lstat(f.name)
	return err != nil
}

// visit calls do with each file below a folder, in no order that matters.
// Without the folder there are none.
func (f folder) visit(name string, do func(file) error) error {
	sub, err := f.sub(name)
	if absent(err) {
		return nil
	} else if err != nil {
		return err
	}
	defer sub.close()
	left := maxObjectFiles
	return sub.walk("", 0, &left, do)
}

func (f folder) walk(prefix string, depth int, left *int, do func(file) error) error {
	entries, err := f.entries(".")
	for _, e := range entries {
		if *left--; *left < 0 || depth > maxKeyDepth {
			return mlflow.Reason(mlflow.ErrTooLarge, "%s holds more than %d files or %d levels", f.path, maxObjectFiles, maxKeyDepth)
		}
		switch {
		case e.Name() == ".DS_Store": // of a folder that was looked at on a Mac
		case e.IsDir():
			err = f.into(e.Name(), prefix, depth, left, do)
		case e.Type()&fs.ModeSymlink != 0 && f.isDir(e.Name()): // as os.walk
		default:
			err = do(file{f, e.Name(), prefix + e.Name(), e.Type().IsRegular()})
		}
		if err != nil {
			return err
		}
	}
	return err
}

func (f folder) into(name, prefix string, depth int, left *int, do func(file) error) error {
	sub, err := f.sub(name)
	if err != nil {
		return err
	}
	defer sub.close()
	return sub.walk(prefix+name+"/", depth+1, left, do)
}

// values reads the files below a folder as objects with key and value, in
// byte order of their keys.
func (f folder) values(name string) ([]any, error) {
	left := int64(maxObjectBytes)
	var list []any
	err := f.visit(name, func(v file) error {
		data, err := v.read(maxValueBytes)
		if v.removed(err) {
			return nil
		}
		if left -= int64(len(data)); left < 0 {
			err = tooLarge(path.Join(f.path, name), maxObjectBytes)
		}
		list = append(list, pair(utf8(v.key), utf8(string(data))))
		return err
	})
	byText(list, func(o *mlflow.Object) string { return o.Text("key") })
	return list, err
}

func pair(key, value string) *mlflow.Object {
	return mlflow.NewObject(mlflow.Member{Key: "key", Value: key}, mlflow.Member{Key: "value", Value: value})
}

func utf8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// absent tells whether an error means that there is no such entry.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// failed names the object that an error is about, and wraps one of mlflow's
// sentinels.
func failed(op string, err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, mlflow.ErrNotFound), errors.Is(err, mlflow.ErrTooLarge), errors.Is(err, mlflow.ErrUnavailable):
		return &mlflow.Error{Op: op, Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &mlflow.Error{Op: op, Err: mlflow.Mark(mlflow.ErrDenied, err),
			Hint: "this account may not read the file; run as another user or change its mode"}
	case errors.Is(err, mlflow.ErrNotYAML), errors.Is(err, errNoMeta):
		return &mlflow.Error{Op: op, Err: mlflow.Mark(mlflow.ErrUnavailable, err),
			Hint: "the file is damaged or was not copied; restore it, or delete the object with MLflow"}
	case strings.Contains(err.Error(), "path escapes"): // os has no name for it
		return &mlflow.Error{Op: op, Err: mlflow.Mark(mlflow.ErrUnavailable, err),
			Hint: "a symbolic link leads out of the store, which is never followed; put the files themselves there"}
	}
	return &mlflow.Error{Op: op, Err: mlflow.Mark(mlflow.ErrUnavailable, err)}
}

// notFound is the error for an object that is not there.
func notFound(what string) error { return mlflow.Reason(mlflow.ErrNotFound, "there is no %s", what) }
