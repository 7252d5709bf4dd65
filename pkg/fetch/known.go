package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Known is what an earlier batch found out about a model's files: enough to
// see that they are the same without reading them again.
type Known struct {
	URI    string // of the folder that had the MLmodel file
	Stamp  Stamp  // of the MLmodel file
	SHA256 string // of the MLmodel file: 64 lower-case hex digits
	Short  bool   // the MLmodel file is a mapping that RunID and ModelID tell all of that other reads depend on

	RunID, ModelID string // `run_id` and `model_id` of the MLmodel file

	List  string // SHA256 of the listing of files; "" when there is none to trust
	Level int    // how deep List looked; see Target.MaxLevel
}

// Sums are the SHA256 of the files that a bundle stands for, also when they
// were not read because they are as they were.
type Sums struct {
	MLmodel string // "" without an MLmodel file
	List    string // of the listing; "" without one
}

// settled is how long a file must have been left alone before its time is
// trusted: another write within the clock's tick would not show.
const settled = 2 * time.Second

// Complete reads what outcomes leave out because it was Known: the content of
// MLmodel files and listings. file, when set, gives an MLmodel file of outcome
// i that the caller has kept; what is not the known one is passed over. An
// outcome whose files have changed since is marked Outdated. The error is ctx's.
func (f *Fetcher) Complete(ctx context.Context, outcomes []*Outcome, file func(i int) []byte) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(f.filesAtOnce())
	for i, o := range outcomes {
		if o.Partial() {
			g.Go(func() error { return f.complete(gctx, o, file(i)) })
		}
	}
	return g.Wait()
}

// Partial tells whether a bundle lacks something that is Known.
func (o *Outcome) Partial() bool { return o.Bundle != nil && (o.fileLeft || o.listLeft) }

func (f *Fetcher) complete(ctx context.Context, o *Outcome, kept []byte) error {
	if o.fileLeft {
		if sum(kept) != o.Sums.MLmodel {
			read, err := f.Artifacts.ReadFile(ctx, o.at, "MLmodel", MLmodelLimit, Stamp{})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil || sum(read.Data) != o.Sums.MLmodel {
				o.Outdated = true
				return nil
			}
			kept = read.Data
		}
		content, code := parseMLmodel(kept)
		if code != "" {
			o.Outdated = true
			return nil
		}
		o.Bundle.File.Data, o.Bundle.File.Content = kept, content
		o.fileLeft = false
	}
	if o.listLeft {
		list, issue, err := ListFiles(ctx, f.Artifacts, o.at, "mlflow_model", o.level)
		switch {
		case issue != nil:
			o.Outdated = true
			return nil
		case err != nil:
			return err
		}
		o.Bundle.Files, o.Sums.List, o.listLeft = list, listSum(list), false
		o.Known.List = o.Sums.List
	}
	return nil
}

// FilesAreKnown tells whether a target's files are as an earlier batch found
// them, if the objects of the store are the same, which is for the caller to
// know. It looks at the MLmodel file.
func (f *Fetcher) FilesAreKnown(ctx context.Context, t Target) bool {
	k := t.Known
	switch {
	case k == nil, !k.Short, k.Stamp.IsZero(), t.Environment, t.Copy != nil:
		return false
	case t.MaxLevel != 0 && (k.List == "" || k.Level != t.MaxLevel):
		return false
	case t.Ref.Kind == mlflow.RunRef: // its files may be in a better place now
		return false
	}
	file, err := f.Artifacts.ReadFile(ctx, Location{URI: k.URI}, "MLmodel", MLmodelLimit, k.Stamp)
	return err == nil && file.Unchanged && file.RelocatedFrom == ""
}

// fileMayBe is the stamp that the MLmodel file at a place had, if the earlier
// batch found it there and no other file hangs on what it says.
func (it *item) fileMayBe(at Location) Stamp {
	if it.Target.Known == nil || it.Target.Known.URI != at.URI || !it.Target.Known.Short || it.Environment || it.Copy != nil {
		return Stamp{}
	}
	return it.Target.Known.Stamp
}

// content is what is known of an MLmodel file's content.
func (k *Known) content() *mlflow.Object {
	o := &mlflow.Object{}
	if k.RunID != "" {
		o.Append("run_id", k.RunID)
	}
	if k.ModelID != "" {
		o.Append("model_id", k.ModelID)
	}
	return o
}

// listIsKnown tells whether the listing of an item's files need not be made
// again: nobody adds to a version that is ready and whose run has ended.
func (it *item) listIsKnown() bool {
	k := it.Target.Known
	if k == nil || k.List == "" || k.Level != it.MaxLevel || k.URI != it.places[0].URI || !it.hasEnded() {
		return false
	}
	it.listLeft, it.sums.List = true, k.List
	return true
}

// hasEnded tells whether a model's files are final.
func (it *item) hasEnded() bool {
	v := it.b.ModelVersion
	if v.Object == nil || v.Text("status") != "READY" {
		return false
	}
	return slices.Contains([]string{"FINISHED", "FAILED", "KILLED"}, it.b.Run.Info().Text("status"))
}

// known is what is to be remembered of an item's files; nil: nothing.
func (it *item) known(now time.Time) *Known {
	if it.sums.MLmodel == "" || len(it.places) == 0 {
		return nil
	}
	k := &Known{URI: it.places[0].URI, SHA256: it.sums.MLmodel, Stamp: it.stamp}
	if c := it.b.File.Content; c != nil && it.b.RawModel == nil {
		k.RunID, k.ModelID, k.Short = c.Text("run_id"), c.Text("model_id"), true
	}
	if !k.Stamp.ModTime.IsZero() && (now.IsZero() || now.Sub(k.Stamp.ModTime) < settled) {
		k.Stamp, k.Short = Stamp{}, false
	}
	if it.hasEnded() {
		k.List, k.Level = it.sums.List, it.MaxLevel
	}
	return k
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// listSum stands for a listing.
func listSum(l *mlflow.FileList) string {
	h := sha256.New()
	for _, f := range l.Files {
		fmt.Fprintf(h, "%q %t ", f.Path, f.Dir)
		_ = binary.Write(h, binary.BigEndian, f.Bytes) // a hash takes all
	}
	return hex.EncodeToString(h.Sum(nil))
}
