package fetch

import (
	"context"
	"iter"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Artifacts reads files of one or several artifact stores.
//
// Errors wrap mlflow.ErrNotFound (no such file or folder), ErrOutside (there
// is one, but it may not be followed), ErrUnsupported (a kind of store that is
// not served here), ErrDenied, ErrTooLarge (over limit) or ErrUnavailable.
// Implementations are safe for concurrent use.
type Artifacts interface {
	// ReadFile reads the file at path (slashes, relative) below at, at most
	// limit bytes. When since is not zero and the file is as it was then, the
	// File has Unchanged set and no Data.
	ReadFile(ctx context.Context, at Location, path string, limit int64, since Stamp) (File, error)

	// List streams what lies below path of at, depth levels deep (1: only that
	// folder, -1: all), by path within each folder. A folder that is not there
	// gives ErrNotFound.
	List(ctx context.Context, at Location, path string, depth int) iter.Seq2[mlflow.FileInfo, error]
}

// A Location is an artifact folder as MLflow stores it, and what helps to find
// it again when the store was moved.
type Location struct {
	URI   string   // such as `mlflow-artifacts:/1/ab12/artifacts/model` or `file:///D:/x/mlruns/...`
	Owner []string // ids of the run and the logged model it belongs to, as far as known; one of them is part of the path

	Version mlflow.VersionID // whose files these are, when the registry says where they are; zero else
}

// A File is what ReadFile found.
type File struct {
	Data          []byte
	Stamp         Stamp
	Unchanged     bool
	RelocatedFrom string // Location.URI, when it was not there and the file was found beside the store
}

// A Stamp tells whether a file changed: an ETag, or size and time. Zero: unknown.
type Stamp struct {
	ETag    string
	Size    int64
	ModTime time.Time
}

// IsZero tells whether nothing is known.
func (s Stamp) IsZero() bool { return s == Stamp{} }
