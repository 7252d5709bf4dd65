package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

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
	var out strings.Builder
	for _, w := range a.args() {
		out.WriteString(" " + shellWord(w))
	}
	return out.String()
}

// args are the words of a command line for the same again.
func (a askedFlags) args() []string {
	out := append([]string{}, a.What...)
	if a.TrackingURI != "" {
		out = append(out, "--tracking-uri", a.TrackingURI)
	}
	if a.RegistryURI != "" {
		out = append(out, "--registry-uri", a.RegistryURI)
	}
	if a.All {
		out = append(out, "--all")
	}
	return append(out, a.moreFlags.args()...)
}

// manifestHere is the manifest that is read when none is named.
const manifestHere = "mlreport.yaml"

// what are the words: those that were given, else the manifest that is here.
func (a askedFlags) what() []string {
	if len(a.What) == 0 && a.TrackingURI == "" && isFile(manifestHere) {
		return []string{manifestHere}
	}
	return a.What
}

// planFor makes a plan of what was asked for: of a manifest, or of stores and
// models.
func (s *session) planFor(ctx context.Context, a askedFlags) (*plan, error) {
	what := a.what()
	manifests := 0
	for _, w := range what {
		if s.isManifest(w) {
			manifests++
		}
	}
	switch {
	case manifests == 0:
	case manifests < len(what) || a.TrackingURI != "" || a.RegistryURI != "":
		w := what[slices.IndexFunc(what, s.isManifest)]
		return nil, &mlflow.Error{Err: errUsage{fmt.Errorf("%s is a manifest, which names its models and stores itself", w)}, Hint: "run it alone or with other manifests, or name it in no other word"}
	default:
		m, err := s.load(what...)
		if err != nil {
			return nil, err
		}
		return s.planOf(m)
	}
	c := &collector{session: s, askedFlags: a, log: s.logger(), plan: &plan{listed: true}}
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
	is := whatFileIs(path)
	return is == aManifest || is == ""
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
		return c.model(ctx, manifest.Entry{URI: uri, Ref: ref})
	}
	if page, ok := mlflow.ParsePage(w); ok {
		return c.page(ctx, w, page)
	}
	if err := ofWindows(w); err != nil {
		return errUsage{err}
	}
	if path, ok := modelFolder(w); ok {
		return c.modelFolder(ctx, w, path)
	}
	if isHTTP(w) || isStoreURI(w) {
		return c.wholeHost(ctx, c.addHost(c.storeSpec(w)))
	}
	return c.path(ctx, w)
}

// model takes models of the store that is here.
func (c *collector) model(ctx context.Context, e manifest.Entry) error {
	h, all, err := c.storeHere(ctx, c.storeFlags)
	if err != nil {
		return err
	}
	if !c.has(h) {
		c.sayChoice(all)
	}
	e.Host = c.addHost(h)
	c.entry(e)
	return nil
}

// path takes a store on disk, or the fullest one in a folder.
func (c *collector) path(ctx context.Context, w string) error {
	path, ok := mlflow.LocalPath(w)
	info, err := os.Stat(path)
	switch {
	case !ok || err != nil:
		return &mlflow.Error{
			Err:  errUsage{fmt.Errorf("there is no file or folder %s", w)},
			Hint: "give a manifest, a model URI such as models:/NAME/latest, a store (mlruns, x.db, https://host), or nothing",
		}
	case info.Mode().IsRegular() && whatFileIs(path) != aDatabase:
		return c.otherThan("a manifest, a store or a model", w)
	case info.Mode().IsRegular():
		return c.wholeHost(ctx, c.addHost(c.storeSpec(w)))
	case whatIs(path) == aTree || whatIs(path) == aReport:
		return c.otherThan("a manifest, a store or a model", w)
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
	w, err := c.whole(ctx, o)
	switch {
	case err != nil:
		return err
	case w.more:
		return tooMany(o.trackingAt.String())
	case w.versions+len(w.unregistered) == 0:
		hint := fmt.Sprintf("%s --tracking-uri %s shows what it has instead; %s find .. looks for other stores", c.program(), shellWord(cleanURI(h.Tracking)), c.program())
		if beside, ok := c.fullerBeside(ctx, h.Tracking); ok {
			hint = c.besideHint(beside)
		}
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there are no models in %s: nothing is registered, and no run logged one", o.trackingAt), Hint: hint}
	}
	entries, err := w.entries(host, len(c.plan.entries))
	for _, e := range entries {
		c.entry(e)
	}
	return err
}

// whole is what a store holds that is to be read as a whole: of a server, whom
// nobody asked to read all of it, no more than a few. Versions need not be
// counted where all are read anyway; the batch selects them.
func (c *collector) whole(ctx context.Context, o *opened) (whole, error) {
	if !o.Local && !c.All {
		return wholeStore(ctx, o.Source, maxUnasked, true)
	}
	w, err := countVersions(ctx, o.Source, 1)
	if err != nil {
		return w, err
	}
	w.more = false
	return w, w.addUnregistered(ctx, o.Source, 0)
}
