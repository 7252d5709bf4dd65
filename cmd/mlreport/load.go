package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// maxManifest is the largest manifest that is read, in bytes.
const maxManifest = 64 << 20

// A hostSpec is a store to open, of a manifest or of the environment.
type hostSpec struct {
	manifest.Host
	fromManifest bool            // a user may not remember which of several it is: messages name it
	fromEnv      bool            // flags or the environment name it: then its credentials are meant for it
	folders      []artifact.Root // model folders that the user named: they may be read wherever they are

	trackingFrom, registryFrom string // what named the addresses; "" is the manifest
}

// A plan is a manifest with its hosts known, nothing opened yet.
type plan struct {
	hosts       []hostSpec
	defaultHost string
	entries     []manifest.Entry
	format      string // of the reports, as the manifest says; "" when it does not
	chosen      []bool // of the entries; nil: all
	listed      bool   // stores were listed to make the entries

	coverage  bool
	maxShrink int
	known     []manifest.KnownIssue
}

// reads tells whether an entry is to be read.
func (p *plan) reads(entry int) bool { return p.chosen == nil || p.chosen[entry] }

// load reads and checks manifests that make one tree; a name is a path or `-`.
func (s *session) load(names ...string) (*manifest.Manifest, error) {
	sources, err := s.manifestsAt(names)
	if err != nil {
		return nil, err
	}
	return manifest.Parse(sources[0].Data, manifest.Options{
		File: sources[0].File, Dir: sources[0].Dir, Also: sources[1:],
		LookupEnv: s.Lookup, ReadFile: readSecret, Include: s.included,
	})
}

// included reads the manifests that a pattern of paths matches.
func (s *session) included(pattern string) ([]manifest.Source, error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, errors.New("is no pattern of paths")
	}
	return s.manifestsAt(names)
}

func (s *session) manifestsAt(names []string) ([]manifest.Source, error) {
	var sources []manifest.Source
	for _, name := range names {
		src, err := s.manifestAt(name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, src)
	}
	return sources, nil
}

// manifestAt reads a manifest.
func (s *session) manifestAt(name string) (m manifest.Source, err error) {
	if err := s.notAManifest(name); err != nil {
		return m, err
	}
	m.File = manifestName(name)
	src := s.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return m, manifestError(name, err)
		}
		defer f.Close()
		src = f
		if m.Dir, err = filepath.Abs(filepath.Dir(name)); err != nil {
			return m, manifestError(name, err)
		}
	}
	if m.Data, err = io.ReadAll(io.LimitReader(src, maxManifest+1)); err != nil {
		return m, manifestError(name, err)
	}
	if len(m.Data) > maxManifest {
		return m, errUsage{fmt.Errorf("%s is larger than %d MB, which no manifest is", m.File, maxManifest>>20)}
	}
	return m, nil
}

// notAManifest is about a path that leads to something else.
func (s *session) notAManifest(name string) error {
	if name == "-" {
		return nil
	}
	if err := ofWindows(name); err != nil {
		return errUsage{err}
	}
	if is := whatIs(name); is == aManifest || is == "" {
		return nil
	}
	return s.otherThan("a manifest", name)
}

// manifestName is how messages name a manifest.
func manifestName(name string) string {
	if name == "-" {
		return "<stdin>"
	}
	return name
}

func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20+1))
	if err == nil && len(data) > 1<<20 {
		err = errors.New("larger than 1 MB")
	}
	return data, err
}

func manifestError(name string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err, hint = fmt.Errorf("there is no manifest %s", name), "mlreport init "+shellWord(name)+" writes one for the store that is here"
	case name != "-" && isFolder(name):
		err, hint = fmt.Errorf("%s is a folder, not a manifest", name), "mlreport run "+shellWord(name)+" makes reports of the store in it; mlreport init writes a manifest"
	default:
		err = fmt.Errorf("reading the manifest %s: %w", manifestName(name), withoutPath(err))
	}
	return &mlflow.Error{Err: errUsage{err}, Hint: hint}
}

// withoutPath is an error of the system without the path, for sentences that
// name it already.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// planOf adds to a manifest what the environment says.
func (s *session) planOf(m *manifest.Manifest) (*plan, error) {
	p := &plan{defaultHost: m.DefaultHost, entries: m.Entries, format: m.Format, coverage: m.Coverage, maxShrink: m.MaxShrink, known: m.KnownIssues}
	for _, h := range m.Hosts {
		p.hosts = append(p.hosts, hostSpec{Host: h, fromManifest: true})
	}
	if err := s.ownHost(p); err != nil {
		return nil, err
	}
	for i := range p.entries {
		s.nameFolder(p, &p.entries[i])
	}
	return p, nil
}

// ownHost adds the store that the environment names, for the entries of
// manifests without hosts.
func (s *session) ownHost(p *plan) error {
	nowhere := func(e manifest.Entry) bool { return e.Host == "" }
	if !slices.ContainsFunc(p.entries, nowhere) {
		return nil
	}
	h, err := s.defaultHost(storeFlags{})
	if err != nil {
		return err
	}
	if p.host(h.Name).Name != "" {
		return &mlflow.Error{Err: errUsage{fmt.Errorf("one manifest names a host %q, another one reads the store of the environment, which has that name, too", h.Name)}, Hint: "give the host another name"}
	}
	if len(p.hosts) == 0 {
		p.defaultHost = h.Name
	}
	p.hosts = append(p.hosts, h)
	for i := range p.entries {
		if nowhere(p.entries[i]) {
			p.entries[i].Host = h.Name
		}
	}
	return nil
}

// nameFolder lets the host of an entry read the model folder that the entry
// names, and gives the folder the name that the manifest has for it: reports
// must not tell where on this machine it is.
func (s *session) nameFolder(p *plan, e *manifest.Entry) {
	folder, ok := givenFolder(e.Ref, s.Dir)
	if !ok {
		return
	}
	if folder.Path != "" {
		e.Ref.Location, folder.Prefix = e.URI, e.URI
	}
	for i := range p.hosts {
		if p.hosts[i].Name == e.Host {
			p.hosts[i].folders = append(p.hosts[i].folders, folder)
		}
	}
}

// open opens the hosts that entries ask. An error means that no host can be
// asked: a mistake in the environment, or ctx has ended.
func (s *session) open(ctx context.Context, p *plan, log *slog.Logger) ([]*opened, error) {
	var asked []hostSpec
	for _, h := range p.hosts {
		for i, e := range p.entries {
			if e.Host == h.Name && p.reads(i) {
				asked = append(asked, h)
				break
			}
		}
	}
	hosts := make([]*opened, len(asked))
	var all errgroup.Group // side by side: one that does not answer costs its own time only
	for i, h := range asked {
		all.Go(func() error {
			hosts[i] = s.openHost(ctx, h, log)
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return hosts, err
	}
	for _, o := range hosts {
		var usage errUsage
		switch {
		case ctx.Err() != nil:
			return hosts, ctx.Err()
		case errors.As(o.Err, &usage):
			return hosts, o.Err
		}
	}
	return hosts, nil
}

// timestamp is the time of a batch: SOURCE_DATE_EPOCH, else now.
func (s *session) timestamp() (time.Time, error) {
	v, ok := s.Lookup("SOURCE_DATE_EPOCH")
	if !ok || v == "" {
		return s.Now().UTC(), nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > 253402300799 { // the year 9999
		return time.Time{}, envError("SOURCE_DATE_EPOCH", "a number of seconds since 1970")
	}
	return time.Unix(n, 0).UTC(), nil
}
