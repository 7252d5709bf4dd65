package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/find"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// askedFlags say what a batch is about.
type askedFlags struct {
	What []string `arg:"" optional:"" help:"Manifest (- for standard input), model URIs such as models:/name/3, stores (mlruns, x.db, a folder with them, a server's URL), or pages of MLflow's web interface. Nothing: ./mlreport.yaml, else the store that mlreport alone shows."`
	All  bool     `help:"All models of a server that has more than 100."`
	storeFlags
	moreFlags
}

// words are what a person types for the same again, each behind a blank.
func (a askedFlags) words() string {
	var out []string
	for _, w := range a.What {
		out = append(out, " "+shellWord(w))
	}
	if a.TrackingURI != "" {
		out = append(out, " --tracking-uri "+shellWord(a.TrackingURI))
	}
	if a.RegistryURI != "" {
		out = append(out, " --registry-uri "+shellWord(a.RegistryURI))
	}
	if a.All {
		out = append(out, " --all")
	}
	return strings.Join(out, "") + a.moreFlags.words()
}

// manifestHere is the manifest that is read when none is named.
const manifestHere = "mlreport.yaml"

// planFor makes a plan of what was asked for: of a manifest, or of stores and
// models.
func (s *session) planFor(ctx context.Context, a askedFlags) (*plan, error) {
	what := a.What
	if len(what) == 0 && a.TrackingURI == "" {
		if info, err := os.Stat(manifestHere); err == nil && info.Mode().IsRegular() {
			what = []string{manifestHere}
		}
	}
	for _, w := range what {
		if !s.isManifest(w) {
			continue
		}
		if len(what) > 1 || a.TrackingURI != "" || a.RegistryURI != "" {
			return nil, &mlflow.Error{Err: errUsage{fmt.Errorf("%s is a manifest, which names its models and stores itself", w)}, Hint: "run it alone, or name it in no other word"}
		}
		m, err := s.load(w)
		if err != nil {
			return nil, err
		}
		return s.planOf(m)
	}
	c := &collector{session: s, askedFlags: a, log: s.logger(), plan: &plan{}}
	return c.plan, c.collect(ctx, what)
}

// isManifest tells a manifest from stores and model URIs: what is none of them
// is read as one, so that its mistakes are told.
func (s *session) isManifest(word string) bool {
	if word == "-" {
		return true
	}
	if _, model := modelWord(word); model || isHTTP(word) || isStoreURI(word) {
		return false
	}
	path, ok := mlflow.LocalPath(word)
	info, err := os.Stat(path)
	if !ok || err != nil || !info.Mode().IsRegular() {
		return ok && err != nil && (strings.HasSuffix(word, ".yaml") || strings.HasSuffix(word, ".yml"))
	}
	found, err := find.File(path)
	return err == nil && found == ""
}

func isStoreURI(word string) bool {
	scheme := mlflow.SchemeOf(word)
	return scheme != "" && scheme != "file"
}

// modelWord is a word that names a model.
func modelWord(word string) (string, bool) {
	return word, strings.HasPrefix(word, "models:") || strings.HasPrefix(word, "runs:")
}

// A collector makes a plan of words.
type collector struct {
	*session
	askedFlags
	log  *slog.Logger
	plan *plan
}

func (c *collector) collect(ctx context.Context, what []string) error {
	if len(what) == 0 {
		h, all, err := c.storeHere(ctx, c.storeFlags)
		if err != nil {
			return err
		}
		c.sayChoice(all)
		return c.wholeHost(ctx, c.addHost(h))
	}
	for _, w := range what {
		if err := c.word(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// word takes one word of the command line.
func (c *collector) word(ctx context.Context, w string) error {
	if uri, ok := modelWord(w); ok {
		ref, err := parseRef(uri)
		if err != nil {
			return err
		}
		h, all, err := c.storeHere(ctx, c.storeFlags)
		if err != nil {
			return err
		}
		if !c.has(h) {
			c.sayChoice(all)
		}
		c.entry(manifest.Entry{URI: uri, Ref: ref, Host: c.addHost(h)})
		return nil
	}
	if page, ok := mlflow.ParsePage(w); ok {
		return c.page(ctx, w, page)
	}
	if isHTTP(w) || isStoreURI(w) {
		return c.wholeHost(ctx, c.addHost(c.storeSpec(w)))
	}
	return c.path(ctx, w)
}

// path takes a store on disk, or the fullest one in a folder.
func (c *collector) path(ctx context.Context, w string) error {
	path, ok := mlflow.LocalPath(w)
	info, err := os.Stat(path)
	switch {
	case !ok || err != nil:
		return &mlflow.Error{
			Err:  errUsage{fmt.Errorf("there is no file or folder %s", w)},
			Hint: "give a manifest, a model URI such as models:/" + filepath.Base(w) + "/latest, a store (mlruns, x.db, https://host), or nothing",
		}
	case info.Mode().IsRegular():
		return c.wholeHost(ctx, c.addHost(c.storeSpec(w)))
	}
	all, _, err := c.storesBelow(ctx, path, find.Options{Depth: 1, MaxEntries: 20_000})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return &mlflow.Error{Err: errUsage{fmt.Errorf("there is no store in %s: no database of MLflow and no mlruns folder, there or one level below", w)}, Hint: "mlreport find " + shellWord(w) + " looks further down"}
	}
	sortStores(all)
	if all[0].err != nil {
		return all[0].err
	}
	c.sayChoice(all)
	return c.wholeHost(ctx, c.addHost(all[0].host))
}

// storeSpec is the host of a store that a word names.
func (c *collector) storeSpec(w string) hostSpec {
	h := hostSpec{Host: manifest.Host{Tracking: w, Registry: c.RegistryURI, Source: cleanURI(w)}, fromEnv: true, trackingFrom: "the command line", registryFrom: "--registry-uri"}
	return h
}

// page takes what a page of the web interface shows.
func (c *collector) page(ctx context.Context, address string, p mlflow.Page) error {
	h := c.storeSpec(p.Server)
	h.Workspace = p.Workspace
	host := c.addHost(h)
	var entries []manifest.Entry
	shown := ""
	switch {
	case p.Ref.Kind != 0:
		entries, shown = []manifest.Entry{{URI: p.Ref.String(), Ref: p.Ref}}, p.Ref.String()
	case p.Model != "":
		name, err := manifest.ParsePattern(manifest.Literal(p.Model))
		if err != nil {
			return err
		}
		entries, shown = []manifest.Entry{{Select: &manifest.Select{Models: name}}}, fmt.Sprintf("all versions of %q", p.Model)
	case p.RunID != "":
		refs, err := c.runModels(ctx, host, p.RunID)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			entries = append(entries, manifest.Entry{URI: ref.String(), Ref: ref})
		}
		shown = counted(len(refs), "model") + " of run " + p.RunID
	default:
		return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is the page of an experiment, which is not one model", cleanURI(address))}, Hint: "give the page of a model, a version or a run, or the server's address for all models: " + p.Server}
	}
	if !c.cli.Quiet {
		fmt.Fprintf(c.Stderr, "the page is taken for %s on %s\n", harmless(shown), harmless(cleanURI(p.Server)))
	}
	for _, e := range entries {
		e.Host = host
		c.entry(e)
	}
	return nil
}

// runModels are the models that a run logged.
func (c *collector) runModels(ctx context.Context, host, id string) ([]mlflow.Ref, error) {
	o := c.openHost(ctx, c.plan.host(host), c.log)
	defer o.close(c.log)
	if o.Err != nil {
		return nil, o.Err
	}
	found, err := o.Source.Runs(ctx, []string{id}, nil)
	if err == nil {
		err = missing(found[id].Err, o.trackingAt, "run %s", id)
	}
	if err != nil {
		return nil, err
	}
	run := found[id].Value
	refs := fetch.RunModels(run)
	for model := range run.Outputs() {
		refs = append(refs, mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: model})
	}
	if len(refs) == 0 {
		return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "run %s logged no model", id), Hint: "mlreport get-run --run-id " + id + " prints the run"}
	}
	return refs, nil
}

func (c *collector) entry(e manifest.Entry) {
	e.Index = len(c.plan.entries)
	c.plan.entries = append(c.plan.entries, e)
}

func (c *collector) has(h hostSpec) bool {
	for _, known := range c.plan.hosts {
		if known.Tracking == h.Tracking && known.Workspace == h.Workspace {
			return true
		}
	}
	return false
}

// addHost adds a store, once, and gives its name. The first one is the default.
func (c *collector) addHost(h hostSpec) string {
	for _, known := range c.plan.hosts {
		if known.Tracking == h.Tracking && known.Workspace == h.Workspace {
			return known.Name
		}
	}
	h.Name = "default"
	if n := len(c.plan.hosts); n > 0 {
		h.Name = fmt.Sprintf("store-%d", n+1)
	}
	c.plan.hosts = append(c.plan.hosts, h)
	c.plan.defaultHost = cmp.Or(c.plan.defaultHost, h.Name)
	return h.Name
}

func (p *plan) host(name string) hostSpec {
	for _, h := range p.hosts {
		if h.Name == name {
			return h
		}
	}
	return hostSpec{}
}

// wholeHost asks for all models of a store.
func (c *collector) wholeHost(ctx context.Context, host string) error {
	h := c.plan.host(host)
	o := c.openHost(ctx, h, c.log)
	defer o.close(c.log)
	if o.Err != nil {
		return o.Err
	}
	limit := 0
	if !o.Local && !c.All {
		limit = maxUnasked
	}
	w, err := wholeStore(ctx, o.Source, limit, true)
	switch {
	case err != nil:
		return err
	case w.more:
		return tooMany(o.trackingAt.String())
	case len(w.versions)+len(w.unregistered) == 0:
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there are no models in %s: nothing is registered, and no run logged one", o.trackingAt), Hint: "mlreport --tracking-uri " + shellWord(h.Tracking) + " shows what it has instead; mlreport find .. looks for other stores"}
	}
	entries, err := w.entries(host, len(c.plan.entries))
	for _, e := range entries {
		c.entry(e)
	}
	return err
}
