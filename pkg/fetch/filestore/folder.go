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

// A folder is a folder of the store. It refuses whatever leads out of it, so
// that a link in the folder of an object can only lead to another place there.
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
func (f folder) open(name string, limit int64) (*os.File, error) {
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, err
	}
	at := path.Join(f.path, name)
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: %w", at, mlflow.ErrUnavailable)
	}
	if info.Size() > limit {
		return nil, tooLarge(at, limit)
	}
	return f.root.Open(name)
}

func tooLarge(at string, limit int64) error {
	return fmt.Errorf("%s has more than %d MiB: %w", at, limit>>20, mlflow.ErrTooLarge)
}

func (f folder) read(name string, limit int64) ([]byte, error) {
	file, err := f.open(name, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = tooLarge(path.Join(f.path, name), limit)
	}
	return data, err
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
	key  string
	path string // below the folder of the object
}

// files lists the files below a folder, in byte order of their keys. Without
// the folder there are none.
func (f folder) files(name string) ([]file, error) {
	var list []file
	err := f.walk(name, "", 0, &list)
	slices.SortFunc(list, func(a, b file) int { return strings.Compare(a.key, b.key) })
	return list, err
}

func (f folder) walk(dir, prefix string, depth int, list *[]file) error {
	entries, err := f.entries(dir)
	if absent(err) {
		return nil
	}
	for _, e := range entries {
		at := dir + "/" + e.Name()
		switch {
		case len(*list) >= maxObjectFiles || depth > maxKeyDepth:
			return fmt.Errorf("%s holds more than %d files or %d levels: %w", path.Join(f.path, dir), maxObjectFiles, maxKeyDepth, mlflow.ErrTooLarge)
		case e.Name() == ".DS_Store": // of a folder that was looked at on a Mac
		case e.IsDir():
			if err := f.walk(at, prefix+e.Name()+"/", depth+1, list); err != nil {
				return err
			}
		case e.Type()&fs.ModeSymlink != 0 && f.isDir(at): // as os.walk
		default:
			*list = append(*list, file{prefix + e.Name(), at})
		}
	}
	return err
}

// values reads the files below a folder as objects with key and value.
func (f folder) values(name string) ([]any, error) {
	files, err := f.files(name)
	if err != nil {
		return nil, err
	}
	left := int64(maxObjectBytes)
	list := make([]any, 0, len(files))
	for _, v := range files {
		data, err := f.read(v.path, maxValueBytes)
		if absent(err) && !f.exists(v.path) { // removed meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		if left -= int64(len(data)); left < 0 {
			return nil, tooLarge(path.Join(f.path, name), maxObjectBytes)
		}
		list = append(list, pair(utf8(v.key), utf8(string(data))))
	}
	return list, nil
}

// exists tells whether there is an entry, if only a link to nowhere.
func (f folder) exists(name string) bool {
	_, err := f.root.Lstat(name)
	return err == nil
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
		return &mlflow.Error{Op: op, Err: fmt.Errorf("%w: %w", mlflow.ErrDenied, err),
			Hint: "this account may not read the file; run as another user or change its mode"}
	case errors.Is(err, mlflow.ErrNotYAML), errors.Is(err, errNoMeta):
		return &mlflow.Error{Op: op, Err: fmt.Errorf("%w: %w", mlflow.ErrUnavailable, err),
			Hint: "the file is damaged or was not copied; restore it, or delete the object with MLflow"}
	case strings.Contains(err.Error(), "path escapes"): // os has no name for it
		return &mlflow.Error{Op: op, Err: fmt.Errorf("%w: %w", mlflow.ErrUnavailable, err),
			Hint: "a symbolic link leads out of the store, which is never followed; put the files themselves there"}
	}
	return &mlflow.Error{Op: op, Err: fmt.Errorf("%w: %w", mlflow.ErrUnavailable, err)}
}

// notFound is the error for an object that is not there.
func notFound(what string) error { return fmt.Errorf("%s: %w", what, mlflow.ErrNotFound) }
