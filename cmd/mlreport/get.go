package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
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
	batch.Host
	*session
	out    outputFlags
	enrich enrich.Options
}

// show opens the store, lets a command make its document, and writes it.
func (s *session) show(ctx context.Context, out outputFlags, document func(*shower) (*mlflow.Object, error)) error {
	h, err := s.defaultHost(out.storeFlags)
	if err != nil {
		return err
	}
	host, _, closeHost := s.openHost(ctx, h, s.logger())
	defer closeHost()
	if host.Err != nil {
		return host.Err
	}
	doc, err := document(&shower{Host: host, session: s, out: out, enrich: batch.EnrichOptions(host, out.Compat == "seed")})
	if err != nil {
		return err
	}
	return s.output(out, doc)
}

// output writes a document: enriched ones as reports are written, raw ones in
// the ASCII that MLflow's servers write.
func (s *session) output(out outputFlags, doc *mlflow.Object) error {
	data := mlflow.EncodeReport(doc)
	if out.GetRaw {
		data = append(mlflow.JSON{Indent: "  ", ASCII: true}.Append(nil, doc), '\n')
	}
	if out.OutputFile != "" {
		if err := os.MkdirAll(filepath.Dir(out.OutputFile), 0o750); err != nil {
			return fmt.Errorf("making the folder of --output-file: %w", err)
		}
		if err := os.WriteFile(out.OutputFile, data, 0o640); err != nil {
			return fmt.Errorf("writing --output-file: %w", err)
		}
	}
	if out.Silent {
		return nil
	}
	_, err := s.Stdout.Write(data)
	return err
}

func (s *session) logger() *slog.Logger {
	level := slog.LevelError
	if s.cli.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(s.Stderr, &slog.HandlerOptions{Level: level}))
}

// defaultHost is the store that flags or the environment name, or the one that
// MLflow itself would use in this folder.
func (s *session) defaultHost(f storeFlags) (hostSpec, error) {
	h := hostSpec{Host: manifest.Host{Name: "default", Tracking: f.TrackingURI, Registry: f.RegistryURI}, fromEnv: true}
	if h.Tracking == "" {
		h.Tracking = s.get("MLFLOW_TRACKING_URI")
	}
	if h.Registry == "" && f.TrackingURI == "" {
		h.Registry = s.get("MLFLOW_REGISTRY_URI")
	}
	for _, name := range []string{"mlflow.db", "mlruns"} {
		if _, err := os.Stat(filepath.Join(s.Dir, name)); err == nil && h.Tracking == "" {
			h.Tracking = name
		}
	}
	if h.Tracking == "" {
		return h, &mlflow.Error{
			Err:  errUsage{fmt.Errorf("no store is named: neither --tracking-uri nor MLFLOW_TRACKING_URI is set, and there is no mlflow.db or mlruns here")},
			Hint: "set MLFLOW_TRACKING_URI to your server's address, or give --tracking-uri",
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
	return found[id].Value, found[id].Err
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
