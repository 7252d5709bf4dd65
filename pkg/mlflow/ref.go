package mlflow

import (
	"fmt"
	"strconv"
	"strings"
)

// A RefKind says which part of a Ref names the model.
type RefKind int

// The kinds of refs.
const (
	VersionRef     RefKind = iota + 1 // Model, Version
	AliasRef                          // Model, Alias
	StageRef                          // Model, Stage
	LatestRef                         // Model: its highest version of all stages
	LoggedModelRef                    // ModelID
	RunRef                            // RunID, Path
	LocationRef                       // Location
)

// A Ref is a parsed model URI. Only the fields that its kind names are set.
// Refs are comparable; equal refs have equal URIs.
type Ref struct {
	Kind     RefKind
	Registry string // what stands between `models://` and the name, such as `profile@databricks`; mostly ""
	Model    string // of the registry, byte for byte: nothing in a models: URI is percent-decoded
	Version  int64
	Alias    string
	Stage    string // as asked; MLflow compares without case
	ModelID  string
	RunID    string
	Path     string // of the model below the run's artifacts
	Location string // of a model folder: a path or a URI with another scheme
}

// isID tells whether s can be the id of a run: MLflow's own are 32 hex digits,
// but a client may choose others.
func isID(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

func isModelID(s string) bool {
	rest, ok := strings.CutPrefix(s, "m-")
	return ok && isID(rest)
}

// ParseRef reads a model URI: `models:/name/3`, `/latest`, `/Stage`,
// `models:/name@alias`, `models:/m-<id>`, `runs:/<id>/path`, or the location
// of a model folder. A name may hold any character; the last slash or @ ends it.
func ParseRef(uri string) (Ref, error) {
	switch {
	case strings.TrimSpace(uri) == "":
		return Ref{}, refError(uri, "is empty", "write models:/name/version, models:/name@alias or runs:/<run id>/path")
	case strings.HasPrefix(uri, "models:"):
		return parseModels(uri)
	case strings.HasPrefix(uri, "runs:"):
		return parseRuns(uri)
	}
	return Ref{Kind: LocationRef, Location: uri}, nil
}

// A RefError says what is wrong with a model URI.
type RefError struct {
	URI     string
	Problem string // such as `names no version`
}

func (e *RefError) Error() string {
	return fmt.Sprintf("model URI %q %s", e.URI, e.Problem)
}

// Unwrap gives ErrInvalid.
func (e *RefError) Unwrap() error { return ErrInvalid }

func refError(uri, what, hint string) error {
	return &Error{Err: &RefError{uri, what}, Hint: hint}
}

// registryOf splits `models://registry/rest` and `models:/rest` behind their scheme.
func registryOf(rest string) (registry, path string, ok bool) {
	if authority, found := strings.CutPrefix(rest, "//"); found {
		registry, path, _ = strings.Cut(authority, "/")
		return registry, path, true // `models:///a/1` has an empty registry
	}
	path, ok = strings.CutPrefix(rest, "/")
	return "", path, ok
}

func parseModels(uri string) (Ref, error) {
	registry, path, ok := registryOf(strings.TrimPrefix(uri, "models:"))
	if !ok {
		return Ref{}, refError(uri, "has no slash behind `models:`", "write models:/name/version")
	}
	if slash := strings.LastIndexByte(path, '/'); slash >= 0 && !strings.Contains(path[slash:], "@") {
		return parseSuffix(uri, registry, path[:slash], path[slash+1:])
	}
	if at := strings.LastIndexByte(path, '@'); at >= 0 {
		r := Ref{Kind: AliasRef, Registry: registry, Model: path[:at], Alias: path[at+1:]}
		if r.Model == "" || r.Alias == "" {
			return Ref{}, refError(uri, "lacks a name or an alias", "write models:/name@alias")
		}
		return r, nil
	}
	if isModelID(path) {
		return Ref{Kind: LoggedModelRef, Registry: registry, ModelID: path}, nil
	}
	return Ref{}, refError(uri, "names no version", fmt.Sprintf("write models:/%s/latest, models:/%[1]s/1 or models:/%[1]s@alias", path))
}

func parseSuffix(uri, registry, name, suffix string) (Ref, error) {
	if name == "" || suffix == "" {
		return Ref{}, refError(uri, "lacks a name or a version", "write models:/name/version")
	}
	r := Ref{Registry: registry, Model: name}
	if strings.Trim(suffix, "0123456789") == "" {
		n, err := strconv.ParseInt(suffix, 10, 64)
		if err != nil || n < 1 {
			return Ref{}, refError(uri, "has a version that is not a number from 1", "")
		}
		r.Kind, r.Version = VersionRef, n
	} else if strings.EqualFold(suffix, "latest") {
		r.Kind = LatestRef
	} else {
		r.Kind, r.Stage = StageRef, suffix
	}
	return r, nil
}

func parseRuns(uri string) (Ref, error) {
	registry, path, ok := registryOf(strings.TrimPrefix(uri, "runs:"))
	id, sub, _ := strings.Cut(path, "/")
	sub = strings.Trim(sub, "/")
	switch {
	case !ok || !isID(id):
		return Ref{}, refError(uri, "has no run id", "write runs:/<run id>/<path of the model>")
	case sub == "":
		return Ref{}, refError(uri, "names a run, but no model in it", "add the path of the model, mostly runs:/"+id+"/model")
	}
	return Ref{Kind: RunRef, Registry: registry, RunID: id, Path: sub}, nil
}

// String is the URI of the ref, in one spelling.
func (r Ref) String() string {
	models, runs := "models:/", "runs:/"
	if r.Registry != "" || strings.HasPrefix(r.Model, "/") { // `models://a/1` would make `a` a registry
		models, runs = "models://"+r.Registry+"/", "runs://"+r.Registry+"/"
	}
	switch r.Kind {
	case VersionRef:
		return models + r.Model + "/" + strconv.FormatInt(r.Version, 10)
	case AliasRef:
		return models + r.Model + "@" + r.Alias
	case StageRef:
		return models + r.Model + "/" + r.Stage
	case LatestRef:
		return models + r.Model + "/latest"
	case LoggedModelRef:
		return models + r.ModelID
	case RunRef:
		return runs + r.RunID + "/" + r.Path
	}
	return r.Location
}

// VersionID of a VersionRef.
func (r Ref) VersionID() VersionID { return VersionID{r.Model, r.Version} }

// NamesModel tells whether the ref is about a registered model.
func (r Ref) NamesModel() bool { return r.Kind >= VersionRef && r.Kind <= LatestRef }

// Ref of the version.
func (id VersionID) Ref() Ref {
	return Ref{Kind: VersionRef, Model: id.Model, Version: id.Version}
}
