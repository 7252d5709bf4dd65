package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// stageDeleted marks versions that MLflow hides.
const stageDeleted = "Deleted_Internal"

// Models implements fetch.Reader.
func (s *Store) Models(ctx context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	return fetch.Each(ctx, names, inFlight, s.model)
}

func (s *Store) model(ctx context.Context, name string) (mlflow.RegisteredModel, error) {
	f, err := s.openModel(name)
	if err != nil {
		return mlflow.RegisteredModel{}, err
	}
	defer f.close()
	m, err := s.readModel(ctx, f, name)
	return m, failed(fmt.Sprintf("reading registered model %q", name), err)
}

// openModel opens the folder of a registered model; the caller closes it.
func (s *Store) openModel(name string) (folder, error) {
	what := fmt.Sprintf("registered model %q", name)
	if !component(name) {
		return folder{}, notFound(what)
	}
	f, err := s.root.sub(modelsDir + "/" + name)
	switch {
	case absent(err) && !s.root.isDir(modelsDir):
		return f, &mlflow.Error{Err: notFound(what), Hint: "the folder " + s.dir + " holds no model registry; name the registry of this host with `registry:` or --registry-uri"}
	case absent(err):
		return f, notFound(what)
	}
	return f, failed("reading "+what, err)
}

func (s *Store) readModel(ctx context.Context, f folder, name string) (mlflow.RegisteredModel, error) {
	meta, err := f.meta(ctx)
	if err != nil {
		return mlflow.RegisteredModel{}, err
	}
	if meta.Text("name") != name {
		return mlflow.RegisteredModel{}, mlflow.Reason(mlflow.ErrNotFound, "folder %s describes registered model %q", f.path, meta.Text("name"))
	}
	tags, err := f.values("tags")
	if err != nil {
		return mlflow.RegisteredModel{}, err
	}
	aliases, err := f.aliases()
	if err != nil {
		return mlflow.RegisteredModel{}, err
	}
	latest, err := s.latestVersions(ctx, f, name, aliases)
	if err != nil {
		return mlflow.RegisteredModel{}, err
	}
	o := mlflow.NewObject(mlflow.Member{Key: "name", Value: name})
	put(o, "creation_timestamp", number(meta, "creation_timestamp"))
	put(o, "last_updated_timestamp", unlessEmpty(number(meta, "last_updated_timestamp")))
	put(o, "description", unlessEmpty(text(meta, "description")))
	putList(o, "latest_versions", latest)
	putList(o, "tags", tags)
	putList(o, "aliases", aliases)
	return mlflow.RegisteredModel{Object: o}, nil
}

// aliases reads the aliases of a registered model: files that hold the number
// of a version.
func (f folder) aliases() ([]any, error) {
	list, err := f.values("aliases")
	for i, a := range list {
		a := a.(*mlflow.Object)
		list[i] = mlflow.NewObject(mlflow.Member{Key: "alias", Value: a.Text("key")}, mlflow.Member{Key: "version", Value: strings.TrimSpace(a.Text("value"))})
	}
	return list, err
}

// versionNumbers lists the versions of a registered model, deleted ones too.
func (f folder) versionNumbers() ([]int64, error) {
	names, err := f.dirs(".")
	var list []int64
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, "version-")
		n, err := strconv.ParseInt(digits, 10, 64)
		if ok && err == nil && n > 0 && strconv.FormatInt(n, 10) == digits {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, err
}

// latestVersions gives the highest version of each stage, by stage. One that
// cannot be read is there with its name and number alone: it may be the
// latest, and reading it says what is wrong.
func (s *Store) latestVersions(ctx context.Context, f folder, name string, aliases []any) ([]any, error) {
	numbers, err := f.versionNumbers()
	if err != nil {
		return nil, err
	}
	var list []any
	seen := map[string]bool{stageDeleted: true}
	for _, n := range slices.Backward(numbers) {
		o, err := latestVersion(ctx, f, mlflow.VersionID{Model: name, Version: n}, aliases, seen)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && !notOne(err):
			s.log.Warn("cannot read a version", "store", s.dir, "version", f.path+"/version-"+strconv.FormatInt(n, 10), "error", err)
			list = append(list, nameOnly(mlflow.VersionID{Model: name, Version: n}))
		case o != nil:
			list = append(list, o)
		}
		if len(seen) == 5 { // all there are
			break
		}
	}
	byText(list, func(o *mlflow.Object) string { return o.Text("current_stage") })
	return list, nil
}

// latestVersion reads a version if it is the first of its stage, else it is nil.
func latestVersion(ctx context.Context, f folder, id mlflow.VersionID, aliases []any, seen map[string]bool) (*mlflow.Object, error) {
	v, err := openVersion(ctx, f, id)
	if err != nil {
		return nil, err
	}
	defer v.close()
	stage := v.meta.Text("current_stage")
	if seen[stage] {
		return nil, nil
	}
	seen[stage] = true
	return v.object(aliases)
}

// nameOnly stands for a version that cannot be read.
func nameOnly(id mlflow.VersionID) *mlflow.Object {
	return mlflow.NewObject(mlflow.Member{Key: "name", Value: id.Model}, mlflow.Member{Key: "version", Value: strconv.FormatInt(id.Version, 10)})
}

// A versionFolder is the open folder of a model version.
type versionFolder struct {
	folder
	meta *mlflow.Object
}

// openVersion opens a version in the folder of its model and reads its
// meta.yaml; the caller closes it.
func openVersion(ctx context.Context, f folder, id mlflow.VersionID) (versionFolder, error) {
	number := strconv.FormatInt(id.Version, 10)
	sub, err := f.sub("version-" + number)
	if err != nil {
		return versionFolder{}, err
	}
	meta, err := sub.meta(ctx)
	if err == nil && (meta.Text("name") != id.Model || meta.Text("version") != number) {
		err = mlflow.Reason(mlflow.ErrNotFound, "folder %s describes version %s of registered model %q", sub.path, meta.Text("version"), meta.Text("name"))
	}
	if err != nil {
		sub.close()
	}
	return versionFolder{sub, meta}, err
}

func (v versionFolder) object(aliases []any) (*mlflow.Object, error) {
	tags, err := v.values("tags")
	if err != nil {
		return nil, err
	}
	number := v.meta.Text("version")
	o := mlflow.NewObject(mlflow.Member{Key: "name", Value: v.meta.Text("name")}, mlflow.Member{Key: "version", Value: number})
	put(o, "creation_timestamp", v.number("creation_timestamp"))
	put(o, "last_updated_timestamp", v.number("last_updated_timestamp"))
	for _, key := range []string{"user_id", "current_stage", "description", "source", "run_id"} {
		put(o, key, text(v.meta, key))
	}
	o.Append("status", textOr(text(v.meta, "status"), "READY"))
	put(o, "status_message", unlessEmpty(text(v.meta, "status_message")))
	putList(o, "tags", tags)
	put(o, "run_link", text(v.meta, "run_link"))
	var names []any
	for _, a := range aliases {
		if a := a.(*mlflow.Object); a.Text("version") == number {
			names = append(names, a.Text("alias"))
		}
	}
	putList(o, "aliases", names)
	return o, nil
}

func (v versionFolder) number(key string) any { return number(v.meta, key) }

// version makes the version; one that MLflow marked as deleted is not found.
func (v versionFolder) version(aliases []any) (fetch.Version, error) {
	if v.meta.Text("current_stage") == stageDeleted {
		return fetch.Version{}, mlflow.Reason(mlflow.ErrNotFound, "%s was deleted", v.path)
	}
	o, err := v.object(aliases)
	if err != nil {
		return fetch.Version{}, err
	}
	return fetch.Version{
		ModelVersion: mlflow.ModelVersion{Object: o},
		DownloadURI:  cmp.Or(v.meta.Text("storage_location"), v.meta.Text("source")),
	}, nil
}

// Versions implements fetch.Reader.
func (s *Store) Versions(ctx context.Context, ids []mlflow.VersionID) (fetch.Results[mlflow.VersionID, fetch.Version], error) {
	aliases := make(map[string]func() ([]any, error))
	for _, id := range ids {
		if aliases[id.Model] == nil { // read once, however many versions are asked for
			aliases[id.Model] = sync.OnceValues(func() ([]any, error) { return s.aliasesOf(id.Model) })
		}
	}
	return fetch.Each(ctx, ids, inFlight, func(ctx context.Context, id mlflow.VersionID) (fetch.Version, error) {
		return s.version(ctx, id, aliases[id.Model])
	})
}

func (s *Store) aliasesOf(model string) ([]any, error) {
	f, err := s.openModel(model)
	if err != nil {
		return nil, err
	}
	defer f.close()
	return f.aliases()
}

func (s *Store) version(ctx context.Context, id mlflow.VersionID, aliases func() ([]any, error)) (fetch.Version, error) {
	what := fmt.Sprintf("version %d of registered model %q", id.Version, id.Model)
	f, err := s.openModel(id.Model)
	if err != nil {
		return fetch.Version{}, err
	}
	defer f.close()
	v, err := openVersion(ctx, f, id)
	if absent(err) {
		return fetch.Version{}, notFound(what)
	} else if err != nil {
		return fetch.Version{}, failed("reading "+what, err)
	}
	defer v.close()
	list, err := aliases()
	if err != nil {
		return fetch.Version{}, failed("reading the aliases of "+what, err)
	}
	out, err := v.version(list)
	return out, failed("reading "+what, err)
}

// notOne tells whether an error means that a folder is none of MLflow's.
func notOne(err error) bool { return errors.Is(err, errNoMeta) || errors.Is(err, mlflow.ErrNotFound) }
