package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/view"
)

// overviewCmd is what a bare mlreport does: it shows the store that is here.
type overviewCmd struct {
	storeFlags
	formatFlag
}

// Run shows what the store holds, its registered models, and what to type next.
func (c *overviewCmd) Run(ctx context.Context, s *session) error {
	h, all, err := s.storeHere(ctx, c.storeFlags)
	if err != nil {
		return err
	}
	s.sayChoice(all)
	o := s.openHost(ctx, h, s.logger())
	defer o.close(s.logger())
	k := s.takeStock(ctx, stock{host: h, name: h.Source, kind: kindOf(o)}, o)
	if k.err != nil {
		return k.err
	}
	var rows []modelRow
	if k.versions.N > 0 || k.models.N > 0 {
		if rows, err = s.modelRows(ctx, o, k); err != nil {
			return err
		}
	}
	if c.Output != "text" {
		return s.printTable(modelTable(rows), c.Output)
	}
	var about strings.Builder
	describe(&about, k)
	if len(rows) > 0 {
		about.WriteString("\n")
	}
	if _, err := s.Stdout.Write(s.paint(about.String(), true)); err != nil {
		return err
	}
	if len(rows) > 0 {
		if err := s.printTable(modelTable(rows), "text"); err != nil {
			return err
		}
	}
	s.sayNext(ctx, k, rows, c.storeFlags)
	return nil
}

// kindOf names the kind of an opened store.
func kindOf(o *opened) string {
	switch {
	case o.Err != nil:
		return ""
	case o.stores[0].client != nil:
		return "server"
	case strings.HasPrefix(strings.ToLower(o.trackingAt.uri), "sqlite") || !isFolder(o.trackingAt.uri):
		return "database"
	}
	return "folder"
}

// describe says in a few lines what a store holds.
func describe(w io.Writer, k stock) {
	mlflowVersion := ""
	if k.Survey.Version != "" {
		mlflowVersion = ", MLflow " + k.Survey.Version
	}
	fmt.Fprintf(w, "%s (%s%s)\n", harmless(k.name), k.kind, harmless(mlflowVersion))
	parts := []string{countOf(k.Experiments, "experiment"), countOf(k.Runs, "run")}
	if k.LoggedModels.N > 0 {
		parts = append(parts, countOf(k.LoggedModels, "logged model"))
	}
	parts = append(parts, countOf(k.models, "registered model"))
	if k.versions.N > 0 {
		parts[len(parts)-1] += " with " + countOf(k.versions, "version")
	}
	fmt.Fprintln(w, join(parts))
	if k.unregistered.N > 0 {
		fmt.Fprintf(w, "%s that nobody registered\n", countOf(k.unregistered, "model"))
	}
	if k.NewestRun > 0 {
		fmt.Fprintf(w, "newest run: %s UTC\n", when(k.NewestRun))
	}
	if k.moved != "" {
		fmt.Fprintf(w, "moved: its files were in %s\n       and are looked for beside the store\n", harmless(k.moved))
	}
}

// modelTable is the table of registered models.
func modelTable(rows []modelRow) view.Table {
	t := view.Table{Columns: []string{"MODEL", "VERSIONS", "ALIASES", "LAST", "BY", "ISSUES"}}
	for _, r := range rows {
		t.Rows = append(t.Rows, r.cells())
	}
	return t
}

// sayNext says what to type next, with names that are there.
func (s *session) sayNext(ctx context.Context, k stock, rows []modelRow, f storeFlags) {
	if s.cli.Quiet {
		return
	}
	flag := ""
	if f.TrackingURI != "" {
		flag = " --tracking-uri " + shellWord(f.TrackingURI)
	}
	var lines [][2]string
	if i := slices.IndexFunc(rows, func(r modelRow) bool { return harmless(r.name) == r.name }); i >= 0 { // others cannot be typed
		lines = append(lines, [2]string{"show " + shellWord(rows[i].name) + flag, "one model, its versions side by side"})
	}
	beside, fuller := stock{}, false
	if k.worth() < 4 && k.kind != "server" {
		beside, fuller = s.fullerBeside(ctx, k.host.Tracking)
	}
	switch {
	case fuller:
		lines = append(lines, [2]string{"--tracking-uri " + shellWord(beside.host.Tracking), beside.name + " beside it: " + beside.holds()})
	case k.versions.N > 0:
		lines = append(lines, [2]string{"run" + flag, "a report of each model"})
	case k.unregistered.N > 0 || k.LoggedModels.N > 0 || k.Runs.N > 0 && k.kind == "server":
		lines = append(lines, [2]string{"run" + flag, "a report of each model that was logged; none is registered"})
	case k.Runs.N > 0:
		lines = append(lines, [2]string{"find ..", "other stores: no run of this one logged a model"})
	default:
		lines = append(lines, [2]string{"find ..", "other stores: this one is empty"})
	}
	width := 0
	for _, l := range lines {
		width = max(width, view.Width(l[0]))
	}
	for i, l := range lines {
		lead := "next: "
		if i > 0 {
			lead = "      "
		}
		fmt.Fprintf(s.Stderr, "%s%s %s%s    # %s\n", lead, s.program(), l[0], strings.Repeat(" ", width-view.Width(l[0])), l[1])
	}
}

// program is how a person starts this one.
func (s *session) program() string {
	if s.Program == "" {
		return "mlreport"
	}
	return s.Program
}

// A modelRow is one registered model of the table.
type modelRow struct {
	name     string
	versions int
	aliases  []string
	last     int64  // when the newest version was made
	by       string // who made it
	issues   string
}

func (r modelRow) cells() []string {
	day := "-"
	if r.last > 0 {
		day = when(r.last)[:len("2006-01-02")]
	}
	return []string{r.name, fmt.Sprint(r.versions), dash(join(r.aliases)), day, dash(r.by), r.issues}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Up to so many versions are read whole to tell who made them and what is
// missing; of larger stores only what listings show.
const (
	readLocal  = 2000
	readServer = 100
)

// modelRows lists the registered models.
func (s *session) modelRows(ctx context.Context, o *opened, k stock) ([]modelRow, error) {
	var rows []modelRow
	at := map[string]int{}
	for m, err := range o.Source.ListModels(ctx, fetch.Query{}) {
		if err != nil {
			return nil, err
		}
		row := modelRow{name: m.Name(), issues: "?"}
		for alias, version := range m.Aliases() {
			row.aliases = append(row.aliases, fmt.Sprintf("%s=%d", alias, version))
		}
		at[row.name] = len(rows)
		if rows = append(rows, row); len(rows) == maxListed {
			break
		}
	}
	var targets []fetch.Target
	for v, err := range o.Source.ListVersions(ctx, fetch.Query{}) {
		if err != nil {
			return nil, err
		}
		i, ok := at[v.ID().Model]
		if !ok {
			continue // made since the models were listed
		}
		rows[i].note(v.ModelVersion)
		targets = append(targets, fetch.Target{Ref: v.ID().Ref(), Version: &v})
		if len(targets) == maxListed {
			break
		}
	}
	limit := readServer
	if o.Local {
		limit = readLocal
	}
	if len(targets) > limit || k.versions.More {
		return rows, nil
	}
	return rows, s.readRows(ctx, o, targets, rows, at)
}

// note counts a version of the model.
func (r *modelRow) note(v mlflow.ModelVersion) {
	r.versions++
	if made := number(v.Text("creation_timestamp")); made >= r.last {
		r.last, r.by = made, v.Text("user_id")
	}
}

// readRows reads versions whole: who made them, and what is missing.
func (s *session) readRows(ctx context.Context, o *opened, targets []fetch.Target, rows []modelRow, at map[string]int) error {
	f := &fetch.Fetcher{Source: o.Source, Artifacts: o.Artifacts, Log: s.logger()}
	gaps := make([]int, len(rows))
	for len(targets) > 0 {
		some := targets[:min(len(targets), 200)]
		targets = targets[len(some):]
		outcomes, err := f.Fetch(ctx, some)
		if err != nil {
			return err
		}
		for i, out := range outcomes {
			row := at[some[i].Ref.Model]
			if out.Bundle == nil {
				gaps[row]++
				continue
			}
			for _, issue := range out.Bundle.Issues {
				if issue.Level == mlflow.Gap {
					gaps[row]++
				}
			}
			if rows[row].by == "" && number(out.Bundle.ModelVersion.Text("creation_timestamp")) == rows[row].last {
				rows[row].by = out.Bundle.Run.Info().Text("user_id")
			}
		}
	}
	for i, n := range gaps {
		rows[i].issues = dash("")
		if n > 0 {
			rows[i].issues = fmt.Sprint(n)
		}
	}
	return nil
}
