package batch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/sink"
)

// How large copies of files may be, in bytes.
const (
	maxCopy   = 5 << 20  // one
	maxCopies = 50 << 20 // all of one model and its run
)

// copiesAtOnce is how many reports of a chunk are written side by side when
// files have to be read for them, one at a time each: so much of them is held
// in memory.
const copiesAtOnce = 8

// copying unites what entries want to be kept; nil when that is nothing.
func copying(entries []manifest.Entry) *fetch.Copying {
	out := &fetch.Copying{}
	for _, e := range entries {
		if e.Copy.IsZero() {
			continue
		}
		out.Model, out.Run = out.Model || e.Copy.OfModel(), out.Run || e.Copy.OfRun()
		out.Example = out.Example || e.Copy.Evidence
	}
	if !out.Model && !out.Run {
		return nil
	}
	out.Match = func(path string) bool {
		for _, e := range entries {
			if e.Copy.Matches(path) {
				return true
			}
		}
		return false
	}
	return out
}

// staged are the copies that wait for a report, by its place.
type staged map[string][]sink.StagedFile

// copyFiles reads what is to be kept beside the reports of a job, one file at
// a time, and stages it at each of their places. The bundle gets the list, and
// an issue for each file that could not be read.
func (l *lane) copyFiles(ctx context.Context, f *fetch.Fetcher, j job, o *fetch.Outcome) (staged, error) {
	all := staged{}
	if j.target.Copy == nil {
		return all, nil
	}
	paths := make([]string, len(o.Wanted))
	for i, w := range o.Wanted {
		paths[i] = w.Path
	}
	places := sink.FilePlaces(paths)
	kept, total := []mlflow.KeptFile{}, int64(0)
	for _, w := range o.Wanted {
		if !utf8.ValidString(w.Path) && slices.Contains(paths, encodedPath(places[w.Path])) { // a name made to collide
			continue
		}
		k, data, err := l.copyFile(ctx, f, w, total, o)
		if err != nil {
			return all, err
		}
		if !utf8.ValidString(k.Path) {
			k.Path = encodedPath(places[w.Path])
		}
		if k.LeftOut == "" && data != nil {
			total += k.Bytes
			k.Place = places[w.Path]
			for _, to := range j.writes {
				s, err := l.Tree.Stage(to.place, k.Place, data)
				if err != nil {
					return all, err
				}
				k.SHA256 = s.Ref.SHA256
				all[to.place] = append(all[to.place], s)
			}
		}
		if k.LeftOut != "" || data != nil {
			kept = append(kept, k)
		}
	}
	if len(kept) > 0 || !slices.ContainsFunc(o.Bundle.Issues, func(i mlflow.Issue) bool { return i.Section == "files" }) { // a list that could not be had is not an empty one
		o.Bundle.KeptFiles = kept
	}
	return all, nil
}

// encodedPath is the path of a file whose name is not UTF-8, as reports have it.
func encodedPath(place string) string { return strings.TrimPrefix(place, "files/") }

// copyFile reads one file; no data and nothing left out: it could not be read,
// which is an issue by then.
func (l *lane) copyFile(ctx context.Context, f *fetch.Fetcher, w fetch.WantedFile, total int64, o *fetch.Outcome) (mlflow.KeptFile, []byte, error) {
	k := mlflow.KeptFile{Path: w.Path, Bytes: w.Bytes}
	switch {
	case w.Bytes > maxCopy:
		k.LeftOut = mlflow.TooLargeFile
		return k, nil, nil
	case total+w.Bytes > maxCopies:
		k.LeftOut = mlflow.OverTotal
		return k, nil, nil
	}
	data, issue, err := f.ReadWanted(ctx, w, min(maxCopy, maxCopies-total))
	switch {
	case issue != nil:
		o.Bundle.AddIssue(*issue)
		o.Errs = append(o.Errs, err)
		return k, nil, nil
	case errors.Is(err, mlflow.ErrTooLarge): // it has grown since it was listed
		k.LeftOut = mlflow.TooLargeFile
		return k, nil, nil
	case err != nil:
		return k, nil, err
	}
	if data == nil {
		data = []byte{}
	}
	k.Bytes = int64(len(data))
	return k, data, nil
}

// unstage removes what waits for reports that will not come.
func (l *lane) unstage(all staged) {
	for place, files := range all {
		l.Tree.Unstage(place, files)
	}
}
