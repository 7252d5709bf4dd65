package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/find"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/view"
)

// findCmd lists the stores below a folder.
type findCmd struct {
	Dir      string `arg:"" optional:"" default:"." help:"Folder to search (default: the current one)."`
	Manifest string `placeholder:"FILE" help:"Write a manifest for all stores that hold models to this new file; - for stdout."`
	Depth    int    `default:"12" help:"How many folders deep to search."`
	formatFlag
}

// Run searches, and lists what it found.
func (c *findCmd) Run(ctx context.Context, s *session) error {
	if err := ofWindows(c.Dir); err != nil {
		return errUsage{err}
	}
	if isFile(c.Dir) {
		return s.notAFolder(c.Dir)
	}
	stores, found, err := s.storesBelow(ctx, c.Dir, find.Options{Depth: cmpDepth(c.Depth)})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &mlflow.Error{Err: errUsage{fmt.Errorf("there is no folder %s", c.Dir)}, Hint: "mlreport find searches the current folder"}
	case err != nil && ctx.Err() == nil:
		return &mlflow.Error{Err: errUsage{fmt.Errorf("%s cannot be searched: %w", c.Dir, withoutPath(err))}, Hint: "give a folder that this user may read"}
	case err != nil:
		return err
	}
	if c.Manifest != "-" && (len(stores) > 0 || c.Output != "text") {
		table := storeTable(stores)
		if n := s.columns(); n > 0 && n < 120 && c.Output == "text" {
			table = narrowStores(stores)
		}
		if err := s.printTable(table, c.Output); err != nil {
			return err
		}
	}
	s.sayFound(c.Dir, stores, found)
	if c.Manifest == "" && len(stores) > 0 && !s.cli.Quiet {
		fmt.Fprintf(s.Stderr, "next: %s --tracking-uri %s    # what is in it\n", s.program(), shellWord(fullest(stores).host.Tracking))
	}
	if c.Manifest == "" {
		return nil
	}
	return s.writeFound(ctx, c.Manifest, stores)
}

// notAFolder is about a file where a folder to search should be.
func (s *session) notAFolder(path string) error {
	if err := s.otherThan("a folder to search", path); err != nil {
		return err
	}
	return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is a file, not a folder to search", path)}, Hint: s.program() + " find " + shellWord(filepath.Dir(path)) + " searches its folder"}
}

// cmpDepth makes 0 mean the folder alone.
func cmpDepth(n int) int {
	if n <= 0 {
		return -1
	}
	return n
}

// narrowStores is the table for a narrow terminal: what a path shows, and
// whence a store was moved, is left out.
func narrowStores(stores []stock) view.Table {
	t := view.Table{Columns: []string{"STORE", "MLFLOW", "RUNS", "MODELS", "VERSIONS", "LOGGED", "NEWEST RUN", "MOVED"}}
	for _, r := range storeTable(stores).Rows {
		moved := "yes"
		if r[8] == "-" {
			moved = "-"
		}
		r[2] = strings.NewReplacer(" or newer", "+", " to ", "-").Replace(r[2])
		t.Rows = append(t.Rows, []string{r[0], r[2], r[3], r[4], r[5], r[6], r[7][:min(len(r[7]), len("2006-01-02"))], moved})
	}
	return t
}

func storeTable(stores []stock) view.Table {
	t := view.Table{Columns: []string{"STORE", "KIND", "MLFLOW", "RUNS", "MODELS", "VERSIONS", "UNREGISTERED", "NEWEST RUN", "MOVED FROM"}}
	for _, k := range stores {
		if k.err != nil {
			t.Rows = append(t.Rows, []string{k.name, k.kind, "-", "-", "-", "-", "-", "unreadable", "-"})
			continue
		}
		newest := when(k.NewestRun)
		if k.worth() == 1 {
			newest = "empty"
		}
		moved := k.moved
		if moved == "" {
			moved = "-"
		}
		t.Rows = append(t.Rows, []string{
			k.name, k.kind, k.Version, k.Runs.String(), k.models.String(), k.versions.String(), k.unregistered.String(), newest, moved,
		})
	}
	return t
}

// sayFound tells what the table does not say.
func (s *session) sayFound(dir string, stores []stock, found find.Result) {
	for _, k := range stores {
		if k.err != nil {
			fmt.Fprintf(s.Stderr, "%s: %s\n", harmless(k.name), harmless(k.err.Error()))
			if hint := mlflow.Hint(k.err); hint != "" {
				fmt.Fprintf(s.Stderr, "  hint: %s\n", harmless(hint))
			}
		}
	}
	if s.cli.Quiet {
		return
	}
	for _, f := range found.Unread {
		fmt.Fprintf(s.Stderr, "%s could not be searched\n", harmless(f))
	}
	if found.Cut {
		fmt.Fprintf(s.Stderr, "not all of %s was searched: there are too many files, or folders in folders\n", harmless(dir))
	}
	if len(stores) == 0 {
		fmt.Fprintf(s.Stderr, "there is no store of MLflow below %s\n", harmless(absolute(dir)))
	}
}

// fullest is the store that holds most.
func fullest(stores []stock) stock {
	best := stores[0]
	for _, k := range stores[1:] {
		if k.worth() > best.worth() {
			best = k
		}
	}
	return best
}

// writeFound writes one manifest for all stores that hold models.
func (s *session) writeFound(ctx context.Context, name string, stores []stock) error {
	var list []manifest.Starter
	taken := map[string]bool{}
	for _, k := range stores {
		starter, err := s.starter(ctx, k, name)
		if err != nil {
			return err
		}
		if !starter.Models && len(starter.URIs) == 0 {
			continue
		}
		starter.Host = hostName(k.name, taken)
		list = append(list, starter)
	}
	if len(list) == 0 {
		return mlflow.Reason(mlflow.ErrNotFound, "there is nothing to write a manifest about: no store has models")
	}
	return s.writeManifest(name, manifest.Write(list), false)
}

// writeManifest writes a manifest and says what to do with it.
func (s *session) writeManifest(name string, data []byte, replace bool) error {
	if err := s.writeNew(name, data, replace); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is there already", name)}, Hint: "choose another name, or remove it first"}
		}
		return &mlflow.Error{Err: errUsage{fmt.Errorf("writing %s: %w", name, withoutPath(err))}, Hint: "choose a file in a folder that this user may write to"}
	}
	if name != "-" && !s.cli.Quiet {
		fmt.Fprintf(s.Stderr, "wrote %s\nnext: %s run %s\n", harmless(absolute(name)), s.program(), shellWord(name))
	}
	return nil
}

// starter says what a manifest names of a store: all registered models, and
// what was never registered.
func (s *session) starter(ctx context.Context, k stock, manifestFile string) (manifest.Starter, error) {
	out := manifest.Starter{Host: "store", Comment: k.kind + ", MLflow " + k.Version + ": " + k.holds(), Models: k.versions.N > 0}
	out.Tracking = trackingFor(k.host.Tracking, manifestFile)
	if k.err != nil {
		return out, nil
	}
	log := s.logger()
	o := s.openHost(ctx, k.host, log)
	defer o.close(log)
	if o.Err != nil {
		return out, o.Err
	}
	w, err := wholeStore(ctx, o.Source, 0, true)
	for _, ref := range w.unregistered {
		out.URIs = append(out.URIs, ref.String())
	}
	out.Examples = w.examples
	return out, err
}

// trackingFor is a store's address as a manifest in that file has it: paths
// relative to the file where that is shorter, else absolute.
func trackingFor(tracking, file string) string {
	prefix, path := "", tracking
	if rest, ok := strings.CutPrefix(tracking, "sqlite:///"); ok {
		prefix, path = "sqlite:///", rest
	} else if isHTTP(tracking) || mlflow.SchemeOf(tracking) != "" {
		return tracking
	}
	dir := "."
	if file != "-" {
		dir = filepath.Dir(file)
	}
	full := absolute(filepath.FromSlash(path))
	if rel, err := filepath.Rel(absolute(dir), full); err == nil && !strings.HasPrefix(rel, "..") && filepath.IsLocal(rel) {
		full = rel
	}
	return prefix + filepath.ToSlash(full)
}

// hostName makes a name of a path: that of its folder, or its own.
func hostName(path string, taken map[string]bool) string {
	base := filepath.Base(filepath.Dir(absolute(path)))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(base))
	if name = strings.Trim(name, "-_"); name == "" {
		name = "store"
	}
	for n, first := 2, name; taken[name]; n++ {
		name = first + "-" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}
