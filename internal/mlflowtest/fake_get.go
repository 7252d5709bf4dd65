package mlflowtest

import (
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func (f *Fake) getModel(r FakeRequest) fakeAnswer {
	name := r.param("name")
	if f.does.workspaces && strings.ContainsAny(name, "/:") {
		return f.refuse(400, "INVALID_PARAMETER_VALUE", "Invalid model name '%s'. Names cannot contain '/' or ':'.", name)
	}
	m := f.world.Model(name)
	switch {
	case m == nil:
		return f.notFound("Registered Model with name=%s not found", name)
	case m.Forbidden:
		return htmlAnswer(403, "Permission denied")
	}
	return jsonAnswer(members("registered_model", f.modelObject(m, false)))
}

// findVersion finds the version that a request names, or says why not.
func (f *Fake) findVersion(r FakeRequest) (*FakeModel, *FakeVersion, fakeAnswer) {
	name, number := r.param("name"), r.param("version")
	m := f.world.Model(name)
	if m != nil && m.Forbidden {
		return nil, nil, htmlAnswer(403, "Permission denied")
	}
	if m == nil || m.version(number) == nil {
		return nil, nil, f.notFound("Model Version (name=%s, version=%s) not found", name, number)
	}
	return m, m.version(number), fakeAnswer{}
}

func (f *Fake) getVersion(r FakeRequest) fakeAnswer {
	m, v, no := f.findVersion(r)
	if v == nil {
		return no
	}
	return jsonAnswer(members("model_version", f.versionObject(m, v, true)))
}

func (f *Fake) getDownloadURI(r FakeRequest) fakeAnswer {
	_, v, no := f.findVersion(r)
	if v == nil {
		return no
	}
	return jsonAnswer(members("artifact_uri", f.world.downloadURI(v)))
}

func (f *Fake) getRun(r FakeRequest) fakeAnswer {
	id := r.param("run_id")
	run := f.world.Run(id)
	if run == nil {
		return f.notFound("Run with id=%s not found", id)
	}
	return jsonAnswer(members("run", f.runObject(run, false)))
}

func (f *Fake) getExperiment(r FakeRequest) fakeAnswer {
	id := r.param("experiment_id")
	if strings.Trim(id, "0123456789") != "" {
		return f.badExperiment(id)
	}
	e := f.world.experiment(func(e FakeExperiment) bool { return e.ID == id })
	if e == nil {
		return f.notFound("No Experiment with id=%s exists", id)
	}
	return jsonAnswer(members("experiment", f.experimentObject(e)))
}

func (f *Fake) badExperiment(id string) fakeAnswer {
	switch f.does.badExperiment {
	case 400:
		return f.refuse(400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", id)
	case 500:
		return f.refuse(500, "INTERNAL_ERROR", "invalid literal for int() with base 10: '%s'", id)
	}
	return f.notFound("No Experiment with id=%s exists", id)
}

func (f *Fake) getExperimentByName(r FakeRequest) fakeAnswer {
	name := r.param("experiment_name")
	e := f.world.experiment(func(e FakeExperiment) bool { return e.Name == name })
	if e == nil {
		return f.notFound("Could not find experiment with name '%s'", name)
	}
	return jsonAnswer(members("experiment", f.experimentObject(e)))
}

func (f *Fake) getLogged(r FakeRequest) fakeAnswer {
	id := r.Path[strings.LastIndexByte(r.Path, '/')+1:]
	l := f.world.logged(id)
	if l == nil {
		return f.notFound("Logged model with ID '%s' not found.", id)
	}
	return jsonAnswer(members("model", f.loggedObject(l)))
}

// getArtifact sends a file below the artifact root, or lists a folder.
func (f *Fake) getArtifact(r FakeRequest) fakeAnswer {
	path := strings.TrimPrefix(r.Path, "/api/2.0/"+fakeArtifacts)
	if strings.Trim(path, "/") == "" {
		return jsonAnswer(members("files", f.listArtifacts(strings.Trim(r.param("path"), "/"))))
	}
	data, ok := f.world.Files[strings.Trim(path, "/")]
	switch {
	case ok:
		return fakeAnswer{200, "text/plain", []byte(data)}
	case f.does.missingFile == 404:
		return f.notFound("No such artifact: '%s'", path)
	}
	return f.refuse(500, "INTERNAL_ERROR", "The following failures occurred while downloading one or more artifacts")
}

// listArtifacts lists base names, as MLflow does; an empty file has no size.
func (f *Fake) listArtifacts(folder string) []any {
	found := map[string]*mlflow.Object{}
	for path, data := range f.world.Files {
		rest, ok := strings.CutPrefix(path, folder+"/")
		if folder == "" {
			rest, ok = path, true
		}
		if !ok {
			continue
		}
		if name, _, dir := strings.Cut(rest, "/"); dir {
			found[name] = members("path", name, "is_dir", true)
		} else {
			var size any
			if len(data) > 0 {
				size = len(data)
			}
			found[name] = members("path", name, "is_dir", false, "file_size", size)
		}
	}
	var out []any
	for _, name := range sortedKeys(found) {
		out = append(out, found[name])
	}
	return out
}
