package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// storeFlags say where the commands that show one object read.
type storeFlags struct {
	TrackingURI string `name:"tracking-uri" placeholder:"URI" help:"Server, sqlite:///path/mlflow.db, or mlruns folder to read (default: MLFLOW_TRACKING_URI, else ./mlflow.db or ./mlruns)."`
	RegistryURI string `name:"registry-uri" placeholder:"URI" help:"Where registered models are, when that is another store (default: MLFLOW_REGISTRY_URI, else the tracking URI)."`
}

// outputFlags are those that all of these commands share, as the seed tool had
// them.
type outputFlags struct {
	storeFlags
	GetRaw     bool   `help:"Preserve raw JSON as received from the store."`
	Silent     bool   `help:"Do not print to stdout."`
	OutputFile string `placeholder:"FILE" help:"JSON output file; its folders are made."`
	Compat     string `enum:"none,seed" default:"none" help:"seed: print what the Python tool printed (as valid JSON)."`
}

// A shower is an opened store and how its objects are to be shown.
type shower struct {
	*opened
	*session
	out    outputFlags
	enrich enrich.Options
}

// show opens the store, lets a command make its document, and writes it.
func (s *session) show(ctx context.Context, out outputFlags, document func(*shower) (*mlflow.Object, error)) error {
	return s.showFrom(ctx, out, nil, document)
}

// showFrom may also read folders that the command line names.
func (s *session) showFrom(ctx context.Context, out outputFlags, folders []artifact.Root, document func(*shower) (*mlflow.Object, error)) error {
	if err := makeFolderOf(out.OutputFile); err != nil {
		return err
	}
	h, err := s.defaultHost(out.storeFlags)
	if err != nil {
		return err
	}
	h.folders = folders
	log := s.logger()
	o := s.openHost(ctx, h, log)
	defer o.close(log)
	if o.Err != nil {
		return o.Err
	}
	doc, err := document(&shower{opened: o, session: s, out: out, enrich: batch.EnrichOptions(ctx, o.Host, out.Compat == "seed")})
	if err != nil {
		return err
	}
	return s.output(out, doc)
}

// makeFolderOf makes the folder of a file that is to be written, before
// anything is asked.
func makeFolderOf(file string) error {
	if file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return outputError(filepath.Dir(file), err)
	}
	if isFolder(file) {
		return errUsage{fmt.Errorf("--output-file %s is a folder", file)}
	}
	return nil
}

func outputError(path string, err error) error {
	return &mlflow.Error{Err: fmt.Errorf("--output-file: writing %s: %w", path, withoutPath(err)), Hint: "choose a file in a folder that this user may write to"}
}

// output writes a document: enriched ones as reports are written, raw ones in
// the ASCII that MLflow's servers write.
func (s *session) output(out outputFlags, doc *mlflow.Object) error {
	data := mlflow.EncodeReport(doc)
	if out.GetRaw {
		data = append(mlflow.JSON{Indent: 2, ASCII: true}.Append(nil, doc), '\n')
	}
	if out.OutputFile != "" {
		if err := os.WriteFile(out.OutputFile, data, 0o640); err != nil {
			return outputError(out.OutputFile, err)
		}
	}
	if out.Silent {
		return nil
	}
	_, err := s.Stdout.Write(data)
	return err
}

// defaultHost is the store that flags or the environment name, or the one that
// MLflow itself would use in this folder.
func (s *session) defaultHost(f storeFlags) (hostSpec, error) {
	h := hostSpec{Host: manifest.Host{Name: "default", Tracking: f.TrackingURI, Registry: f.RegistryURI}, fromEnv: true}
	h.trackingFrom, h.registryFrom = "--tracking-uri", "--registry-uri"
	if h.Tracking == "" {
		h.Tracking, h.trackingFrom = s.get("MLFLOW_TRACKING_URI"), "MLFLOW_TRACKING_URI"
	}
	if h.Registry == "" && f.TrackingURI == "" {
		h.Registry, h.registryFrom = s.get("MLFLOW_REGISTRY_URI"), "MLFLOW_REGISTRY_URI"
	}
	for _, name := range []string{"mlflow.db", "mlruns"} {
		if _, err := os.Stat(filepath.Join(s.Dir, name)); err == nil && h.Tracking == "" {
			h.Tracking, h.trackingFrom = name, ""
		}
	}
	if h.Tracking == "" {
		return h, &mlflow.Error{
			Err:  errUsage{errors.New("no store is named: MLFLOW_TRACKING_URI is not set, and there is no mlflow.db or mlruns here")},
			Hint: "set MLFLOW_TRACKING_URI, give --tracking-uri to a get-* command, or name a host in the manifest",
		}
	}
	h.Source = cleanURI(h.Tracking)
	return h, nil
}

// experimentName is one `get` that a run's attribute needs; "" when it cannot
// be had.
func (s *shower) experimentName(ctx context.Context, r mlflow.Run) string {
	id := r.ExperimentID()
	found, err := s.Source.Experiments(ctx, []string{id})
	if err != nil || id == "" {
		return ""
	}
	return found[id].Value.Text("name")
}

// run reads one run.
func (s *shower) run(ctx context.Context, id string) (mlflow.Run, error) {
	found, err := s.Source.Runs(ctx, []string{id}, nil)
	if err != nil {
		return mlflow.Run{}, err
	}
	return found[id].Value, missing(found[id].Err, s.trackingAt, "run %s", id)
}

// shownRun is a run as all commands show it: enriched unless raw is asked for,
// with its files down to maxLevel.
func (s *shower) shownRun(ctx context.Context, r mlflow.Run, maxLevel int) (mlflow.Run, *mlflow.Object, []mlflow.Issue, error) {
	if s.out.GetRaw {
		return r, nil, nil, nil
	}
	files, issues, err := s.runFiles(ctx, r, maxLevel)
	return enrich.Run(r, s.experimentName(ctx, r), s.enrich), files, issues, err
}

// runFiles lists a run's artifacts; nil when none are asked for.
func (s *shower) runFiles(ctx context.Context, r mlflow.Run, maxLevel int) (*mlflow.Object, []mlflow.Issue, error) {
	if maxLevel <= 0 {
		return nil, nil, nil
	}
	list, issue, err := fetch.ListFiles(ctx, s.Artifacts, fetch.Location{URI: r.ArtifactURI(), Owner: []string{r.ID()}}, "run", maxLevel)
	if issue != nil {
		s.logger().Debug("listing artifacts", "run", r.ID(), "err", err)
		return nil, []mlflow.Issue{*issue}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	o := s.enrich
	o.ArtifactRoot = r.ArtifactURI()
	return enrich.Files(list, o), nil, nil
}
