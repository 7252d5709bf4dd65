package fetch

import (
	"context"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// locateCopies finds out where the files of copied versions are, which only
// the store knows. It may be a run, so it must be known before runs are read.
func (c *chunk) locateCopies(ctx context.Context) error {
	keeps := keepsFiles(c.f.Source)
	return c.askLocator(ctx, func(it *item) bool {
		if keeps {
			return true
		}
		r, err := mlflow.ParseRef(it.b.ModelVersion.Source())
		return err == nil && r.NamesModel()
	})
}

// locate finds out where each item's files are. Only what no object says (the
// folder of a logged model that was deleted) is asked of the store.
func (c *chunk) locate(ctx context.Context) error {
	for it := range c.live {
		if it.Ref.Kind == mlflow.VersionRef && it.b.DownloadURI == "" && !keepsFiles(c.f.Source) {
			it.b.DownloadURI = derivedURI(it.b)
		}
	}
	err := c.askLocator(ctx, func(it *item) bool { return it.unknown == nil && it.b.ModelVersion.Source() != "" })
	if err != nil {
		return err
	}
	for it := range c.live {
		it.places = c.placesOf(it)
	}
	return nil
}

// askLocator asks for the download URIs of versions that have none, in a store
// that can be asked.
func (c *chunk) askLocator(ctx context.Context, worth func(*item) bool) error {
	locator, ok := c.f.Source.(Locator)
	if !ok {
		return nil
	}
	left := map[mlflow.VersionID]*item{}
	var ids []mlflow.VersionID
	for it := range c.live {
		if it.Ref.Kind == mlflow.VersionRef && it.b.DownloadURI == "" && worth(it) {
			left[it.Ref.VersionID()] = it
			ids = append(ids, it.Ref.VersionID())
		}
	}
	found, err := Each(ctx, ids, c.f.filesAtOnce(), locator.DownloadURI)
	if err != nil {
		return err
	}
	for id, r := range found {
		left[id].b.DownloadURI, left[id].unknown = r.Value, r.Err
	}
	return nil
}

// derivedURI is a version's download URI as its source gives it: itself, or
// the folder of the logged model that it names.
func derivedURI(b *mlflow.Bundle) string {
	source := b.ModelVersion.Source()
	if !strings.HasPrefix(source, "models:") {
		return source
	}
	if r, err := mlflow.ParseRef(source); err == nil && r.Kind == mlflow.LoggedModelRef {
		return b.LoggedModel.ArtifactURI()
	}
	return ""
}

// placesOf lists where an item's MLmodel may be, best first.
func (c *chunk) placesOf(it *item) []Location {
	if it.unknown != nil {
		return nil
	}
	var uris []string
	add := func(uri string) {
		if uri = strings.TrimRight(uri, "/"); uri != "" {
			uris = append(uris, uri)
		}
	}
	switch {
	case it.viaRun != nil:
		if _, rest, _ := strings.Cut(it.viaRun.Path, "/"); it.b.LoggedModel.Object != nil {
			add(below(it.b.LoggedModel.ArtifactURI(), rest))
		}
		add(below(c.runs[it.viaRun.RunID].Value.ArtifactURI(), it.viaRun.Path))
	case it.Ref.Kind == mlflow.LocationRef:
		add(it.Ref.Location)
	case it.Ref.Kind == mlflow.LoggedModelRef:
		add(it.b.LoggedModel.ArtifactURI())
	case !strings.HasPrefix(it.b.DownloadURI, "models:"):
		add(it.b.DownloadURI)
	}
	places := make([]Location, len(uris))
	for i, uri := range uris {
		places[i] = Location{URI: uri, Owner: it.owners(uri)}
		if it.Ref.Kind == mlflow.VersionRef && uri == strings.TrimRight(it.b.DownloadURI, "/") {
			places[i].Version = it.Ref.VersionID()
		}
	}
	return places
}

// runOfPath reads the run off the path of its files: `.../<run>/artifacts/...`,
// with an id as MLflow makes them.
func runOfPath(uri string) string {
	parts := strings.FieldsFunc(uri, func(c rune) bool { return c == '/' || c == '\\' })
	for i, p := range parts {
		if i+1 < len(parts) && parts[i+1] == "artifacts" && len(p) == 32 && strings.Trim(p, "0123456789abcdef") == "" {
			return p
		}
	}
	return ""
}

func below(root, path string) string {
	if root == "" || path == "" {
		return root
	}
	return strings.TrimRight(root, "/") + "/" + path
}

// owners lists the ids that the path of an item's files may hold: what the
// objects say, and what it looks like, as a version need not name the run or
// the logged model whose files it has.
func (it *item) owners(uri string) []string {
	ids := map[string]bool{it.b.LoggedModel.ID(): true, it.loggedModelID(): true, loggedModelOf("", uri): true, runOfPath(uri): true}
	run, _ := it.runOf()
	ids[run] = true
	ids[it.b.LoggedModel.SourceRunID()] = true
	if it.viaRun != nil {
		ids[it.viaRun.RunID] = true
	}
	for _, k := range it.b.CopiedFrom {
		ids[k.ModelVersion.RunID()] = true
		ids[loggedModelOf(k.ModelVersion.Source(), "")] = true
	}
	return sorted(ids)
}
