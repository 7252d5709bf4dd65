package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/listing"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

type listArtifactsCmd struct {
	Of    string `arg:"" name:"uri" help:"Model URI (models:/name/3, models:/name@alias, models:/m-<id>, runs:/<id>/path), a run as runs:/<id>, or the path of a model folder."`
	Tree  bool   `help:"Draw a tree, with the sizes of folders."`
	Level int    `default:"-1" placeholder:"N" help:"How many levels deep (default: all)."`
	listFlags
}

// Run lists the files of a model or a run.
func (c *listArtifactsCmd) Run(ctx context.Context, s *session) error {
	if c.Filter != "" {
		return errUsage{errors.New("--filter: MLflow has no filter strings for artifacts")}
	}
	if c.Level == 0 || c.Level < -1 {
		return errUsage{errors.New("--level is how many levels are listed: 1 or more")}
	}
	files, err := c.files(ctx, s)
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f mlflow.FileInfo) bool { return c.Level > 0 && strings.Count(f.Path, "/") >= c.Level })
	if c.Tree {
		_, err := fmt.Fprint(s.Stdout, listing.Draw(c.Of, files))
		return err
	}
	shown, err := c.shown(listing.Artifacts)
	if err != nil {
		return err
	}
	return s.print(c.listFlags, shown, fileRows(files))
}

func fileRows(files []mlflow.FileInfo) iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) {
		for _, f := range files {
			o := mlflow.NewObject(mlflow.Member{Key: "path", Value: f.Path}, mlflow.Member{Key: "is_dir", Value: f.Dir})
			if !f.Dir {
				o.Append("bytes", mlflow.Number(fmt.Sprint(f.Bytes)))
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// files finds the folder and lists it.
func (c *listArtifactsCmd) files(ctx context.Context, s *session) ([]mlflow.FileInfo, error) {
	run, ofRun := strings.CutPrefix(c.Of, "runs:/")
	ofRun = ofRun && run != "" && !strings.Contains(strings.Trim(run, "/"), "/")
	ref := mlflow.Ref{}
	if !ofRun {
		var err error
		if ref, err = parseRef(c.Of); err != nil {
			return nil, err
		}
	}
	if c.In != "" {
		return c.inTree(ref)
	}
	h, all, err := s.storeHere(ctx, c.storeFlags)
	if err != nil {
		return nil, err
	}
	s.sayChoice(all)
	if folder, ok := givenFolder(ref, s.Dir); ok {
		h.folders = append(h.folders, folder)
	}
	log := s.logger()
	sh := &shower{opened: s.openHost(ctx, h, log), session: s}
	defer sh.close(log)
	switch {
	case sh.Err != nil:
		return nil, sh.Err
	case ofRun:
		return c.ofRun(ctx, sh, strings.Trim(run, "/"))
	}
	b, errs, err := sh.bundle(ctx, fetch.Target{Ref: ref, MaxLevel: -1})
	if err != nil {
		return nil, err
	}
	if b.Files == nil {
		return nil, sh.noMLmodel(ctx, b, errs)
	}
	return b.Files.Files, nil
}

func (c *listArtifactsCmd) ofRun(ctx context.Context, sh *shower, id string) ([]mlflow.FileInfo, error) {
	run, err := sh.run(ctx, id)
	if err != nil {
		return nil, err
	}
	list, _, err := fetch.ListFiles(ctx, sh.Artifacts, fetch.Location{URI: run.ArtifactURI(), Owner: []string{id}}, "run", c.Level)
	if err != nil {
		return nil, err
	}
	return list.Files, nil
}

// inTree reads the list of files in a report.
func (c *listArtifactsCmd) inTree(ref mlflow.Ref) ([]mlflow.FileInfo, error) {
	index, done, err := treeIndex(c.In)
	if err != nil {
		return nil, err
	}
	defer done()
	for row, err := range index.All() {
		if err != nil {
			return nil, err
		}
		if row.Place == "" || row.URI != ref.String() && !slices.Contains(row.URIs, ref.String()) {
			continue
		}
		reports := treeReports{dir: c.In}
		defer reports.close()
		doc, err := reports.of(row)
		if err != nil {
			return nil, err
		}
		files := doc.Object("mlflow_model").Object("artifacts")
		if files == nil {
			return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "the report of %s has no list of files", ref), Hint: "write it with artifact-max-level: all in the manifest, or leave out --in"}
		}
		return flattened(files, nil), nil
	}
	return nil, mlflow.Reason(mlflow.ErrNotFound, "there is no report of %s in %s", c.Of, c.In)
}

// flattened lists the files of a report's tree of artifacts.
func flattened(tree *mlflow.Object, list []mlflow.FileInfo) []mlflow.FileInfo {
	for f := range tree.Objects("files") {
		info := mlflow.FileInfo{Path: f.Text("path"), Dir: f.Has("files")}
		if !info.Dir {
			info.Bytes = number(f.Text("bytes"))
		}
		list = flattened(f, append(list, info))
	}
	return list
}
