package enrich

import (
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ModelVersion enriches what `model-versions/get` shows below `model_version`.
// downloadURI is what `get-download-uri` answers, or "" when it is not known.
func ModelVersion(v mlflow.ModelVersion, downloadURI string, o Options) mlflow.ModelVersion {
	return RequestedVersion(v, downloadURI, nil, o)
}

// RequestedVersion is ModelVersion with the requests to move it to another
// stage, which a registry of Databricks has; nil: none has been read.
func RequestedVersion(v mlflow.ModelVersion, downloadURI string, requests []any, o Options) mlflow.ModelVersion {
	if v.Object == nil {
		return v
	}
	out := v.Object.Shallow()
	if o.Compat {
		tagsToEnd(out)
	} else {
		tagsInPlace(out)
		replaceList(out, "aliases", sortAliases)
	}
	if requests != nil {
		out.Set("_transition_requests", requests)
	}
	o.addRegistryAttributes(out)
	o.addDownloadURIs(out, downloadURI)
	o.addRegistryLinks(out, v.Text("name"), v.Text("version"))
	return mlflow.ModelVersion{Object: out}
}

// RegisteredModel enriches what `registered-models/get` shows below
// `registered_model`, the versions in `latest_versions` included.
func RegisteredModel(m mlflow.RegisteredModel, o Options) mlflow.RegisteredModel {
	if m.Object == nil {
		return m
	}
	out := m.Object.Shallow()
	replaceList(out, "latest_versions", func(list []any) []any {
		list = mapObjects(list, func(v *mlflow.Object) *mlflow.Object { return o.latestVersion(v) })
		if o.Compat {
			return list
		}
		return sortObjects(list, byNumber("version"))
	})
	o.registeredModelTags(out)
	if !o.Compat {
		replaceList(out, "aliases", sortAliases)
	}
	o.addRegistryAttributes(out)
	o.addRegistryLinks(out, m.Name(), "")
	return mlflow.RegisteredModel{Object: out}
}

// latestVersion enriches a version that is listed in its registered model. In
// open-source MLflow a source that names no other model is where its files are.
func (o Options) latestVersion(v *mlflow.Object) *mlflow.Object {
	downloadURI := v.Text("source")
	if o.Databricks || namesModel(downloadURI) {
		downloadURI = ""
	}
	return ModelVersion(mlflow.ModelVersion{Object: v}, downloadURI, o).Object
}

// registeredModelTags does the tags of a registered model, which are always
// there: MLflow shows none when there are none.
func (o Options) registeredModelTags(m *mlflow.Object) {
	if list, ok := tagList(m); ok && o.Compat {
		m.Set("tags", mlflow.NewObject(tagMembers(list)...)) // keeps its place here
		return
	}
	tagsInPlace(m)
	if m.Has("tags") {
		return
	}
	before := "" // MLflow shows tags before aliases
	for k := range m.All() {
		if k == "aliases" && !o.Compat {
			break
		}
		before = k
	}
	m.SetAfter(before, "tags", mlflow.NewObject())
}

func (o Options) addRegistryAttributes(to *mlflow.Object) {
	addTimes(to, "creation_timestamp", "last_updated_timestamp")
	to.Set("_is_unity_catalog", o.UnityCatalog)
}

// addDownloadURIs adds where the registry's and the run's copy of the model's
// files can be downloaded. The latter is the version's source, or, when that
// names another model (`models:/m-...`, `models:/name/3`), the place which that
// resolved to. What is not known is not there; the seed tool writes null, and
// the source whatever it is.
func (o Options) addDownloadURIs(version *mlflow.Object, downloadURI string) {
	source, _ := version.Get("source")
	if o.Compat {
		version.Set("_reg_model_download_uri", nil)
		if downloadURI != "" {
			version.Set("_reg_model_download_uri", downloadURI)
		}
		version.Set("_run_model_download_uri", source)
		return
	}
	if downloadURI != "" {
		version.Set("_reg_model_download_uri", downloadURI)
	}
	if namesModel(version.Text("source")) {
		source = downloadURI
	}
	if source != nil && source != "" {
		version.Set("_run_model_download_uri", source)
	}
}

func namesModel(source string) bool { return strings.HasPrefix(source, "models:") }
