package fetch

import (
	"context"
	"log/slog"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// MLmodelLimit is the largest MLmodel file that is read, in bytes.
const MLmodelLimit = 16 << 20

// maxCopies is how many links of a chain of copied versions are followed.
const maxCopies = 10

// maxPoints is how many points of one run's metrics are kept: what does not
// fit into memory is no report.
const maxPoints = 500_000

// maxFiles is how many files of one model are listed.
const maxFiles = 100_000

// A Fetcher reads all that belongs to models, a chunk of them at a time. Its
// fields must not change once it is in use; it is safe for concurrent use.
type Fetcher struct {
	Source      Source
	Artifacts   Artifacts
	FilesAtOnce int       // artifact files read at once per chunk; 0: 16
	Began       time.Time // of the batch, by the clock of this machine: files that changed shortly before are not Known; zero: no file of a folder is
	Log         *slog.Logger

	// Claim, when set, is called by Select for each registered model of which
	// versions will come, before they do, in byte order of names per some
	// hundred models: a store may list names in an order of its own.
	Claim func(model string)

	// Listed, when set, is told by Select how many registered models, runs or
	// logged models a selector's listing showed.
	Listed func(entry, n int)

	// ShowVersions says that Select's caller looks at Selected.Version: then
	// stores are asked to list whole versions, which others read when they fetch.
	ShowVersions bool

	memo Memo
}

// A Target is one object to report on.
type Target struct {
	Ref      mlflow.Ref // resolved: a version, a logged model, a run's model or a location
	Version  *Version   // when a listing has already shown it
	MaxLevel int        // of the artifact listing; 0: none, -1: all
	History  int        // points kept of each metric of the run; 0: none, -1: all

	Environment bool     // read what the model needs to run
	Copy        *Copying // files to be kept; nil: none
	Lineage     bool     // read the parent and the children of the run
	Known       *Known   // what an earlier batch found out; nil: nothing

	Permissions, Serving, TableLineage bool // what the platform knows besides, where it does
}

// An Outcome is what became of a Target: a bundle, or the reason why the
// object itself could not be had.
type Outcome struct {
	Bundle *mlflow.Bundle
	Failed *mlflow.Issue // set when Bundle is nil
	Errs   []error       // what stores said, in their words: for people, not for reports
	Wanted []WantedFile  // what Target.Copy asked for, by path; to be read by ReadWanted

	Sums     Sums   // of the files that the bundle stands for
	Known    *Known // to be remembered for the next batch; nil: nothing
	Outdated bool   // Complete found other files than those that were Known: fetch again, without

	at                 Location
	level              int
	fileLeft, listLeft bool // not read, as they are Known
}

// Fetch reads all targets of a chunk with a number of requests that depends on
// the kinds of objects, not on how many there are; only files are read one by
// one, unless they are Known and have not changed, and a Locator is asked about each copied version. A *TooMuchError asks for smaller chunks; any
// other error means that ctx ended. With either, nothing is to be recorded.
func (f *Fetcher) Fetch(ctx context.Context, targets []Target) ([]Outcome, error) {
	c := newChunk(f, targets)
	if err := c.readObjects(ctx); err != nil {
		return nil, err
	}
	if err := c.tooMuch(); err != nil {
		return nil, err
	}
	if err := c.locate(ctx); err != nil {
		return nil, err
	}
	if err := c.readFiles(ctx); err != nil {
		return nil, err
	}
	if err := c.followMLmodel(ctx); err != nil {
		return nil, err
	}
	if err := c.readPlatform(ctx); err != nil {
		return nil, err
	}
	if err := c.listWanted(ctx); err != nil {
		return nil, err
	}
	return c.outcomes(), nil
}

// readObjects reads what the store's tables say, as of one moment where the
// store can do that.
func (c *chunk) readObjects(ctx context.Context) error {
	if s, ok := c.f.Source.(Snapshotter); ok {
		r, done, err := s.Snapshot(ctx)
		if err == nil {
			defer func() {
				if err := done(); err != nil {
					c.f.log().Debug("ending a snapshot", "err", err)
				}
			}()
			c.reader = c.f.memo.Over(r)
			defer func() { c.reader = c.f.memo.Over(c.f.Source) }()
		} else if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for _, step := range []func(context.Context) error{c.readModels, c.readVersions, c.readCopies, c.locateCopies, c.readLineage, c.readFamilies, c.readHistories} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fetcher) log() *slog.Logger {
	if f.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return f.Log
}

func (f *Fetcher) filesAtOnce() int {
	if f.FilesAtOnce > 0 {
		return f.FilesAtOnce
	}
	return 16
}
