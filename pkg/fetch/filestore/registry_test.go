package filestore

import (
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// versionIn is the meta.yaml of version n of model m in a stage.
func versionIn(n, stage string, more ...string) string {
	v := strings.Replace(version, "current_stage: None", "current_stage: "+stage, 1)
	return v + "version: " + n + "\n" + strings.Join(more, "\n") + "\n"
}

func TestReadsARegisteredModel(t *testing.T) {
	s := open(t, files{
		"models/m/meta.yaml":             "aliases:\n  stale: '1'\ncreation_timestamp: 1\ndescription: text é\nlast_updated_timestamp: 2\nname: m\nworkspace: default\n",
		"models/m/tags/team":             "risk & <fraud>",
		"models/m/tags/a/b":              "",
		"models/m/aliases/champion":      "3",
		"models/m/aliases/Champion":      "10\n",
		"models/m/aliases/ünï":           "3",
		"models/m/version-9/meta.yaml":   versionIn("9", "Staging"),
		"models/m/version-10/meta.yaml":  versionIn("10", "Staging", "model_id: m-1", "workspace: default", "deployment_job_state: null"),
		"models/m/version-3/meta.yaml":   versionIn("3", "Production", "status_message: ''"),
		"models/m/version-3/tags/k":      "v",
		"models/m/version-2/meta.yaml":   versionIn("2", "None"),
		"models/m/version-11/meta.yaml":  versionIn("11", "Deleted_Internal"),
		"models/m/version-x/meta.yaml":   "x",
		"models/m/version-03/meta.yaml":  "x",
		"models/m/version-12/readme":     "no version",
		"models/m/other/meta.yaml":       "x",
		"models/bare/meta.yaml":          "name: bare\ndescription: ''\nlast_updated_timestamp: null\ncreation_timestamp: 0\n",
		"models/bare/version-1/tags/key": "of a version that is gone",
	})
	m, err := getModel(t, s, "m")
	if err != nil {
		t.Fatal(err)
	}
	rest := `"creation_timestamp": 1, "last_updated_timestamp": 2, "current_stage": "%s", "description": "", "source": "s3://b/m", "run_id": "", "status": "READY"`
	in := func(stage string) string { return strings.Replace(rest, "%s", stage, 1) }
	want(t, m.Object, `{"name": "m", "creation_timestamp": 1, "last_updated_timestamp": 2, "description": "text é",
		"latest_versions": [
			{"name": "m", "version": "2", `+in("None")+`, "run_link": ""},
			{"name": "m", "version": "3", `+in("Production")+`, "tags": [{"key": "k", "value": "v"}], "run_link": "", "aliases": ["champion", "ünï"]},
			{"name": "m", "version": "10", `+in("Staging")+`, "run_link": "", "aliases": ["Champion"]}],
		"tags": [{"key": "a/b", "value": ""}, {"key": "team", "value": "risk & <fraud>"}],
		"aliases": [{"alias": "Champion", "version": "10"}, {"alias": "champion", "version": "3"}, {"alias": "ünï", "version": "3"}]}`)
	if m, err = getModel(t, s, "bare"); err != nil {
		t.Fatal(err)
	}
	want(t, m.Object, `{"name": "bare", "creation_timestamp": 0}`)
}

func TestReadsVersionsAndWhereTheirFilesAre(t *testing.T) {
	s := open(t, files{
		"models/m/meta.yaml":           model,
		"models/m/aliases/a":           "1",
		"models/m/version-1/meta.yaml": versionIn("1", "None", "storage_location: mlflow-artifacts:/12/models/m-1/artifacts", "user_id: me", "run_id: r1", "run_link: http://x", "aliases: []"),
		"models/m/version-2/meta.yaml": versionIn("2", "None", "description: null", "run_link: null", "run_id: null"),
		"models/m/version-3/meta.yaml": versionIn("3", "Deleted_Internal"),
		"models/m/version-4/meta.yaml": versionIn("5", "None"),
	})
	v, uri, err := getVersion(t, s, "m", 1)
	if err != nil || uri != "mlflow-artifacts:/12/models/m-1/artifacts" {
		t.Errorf("%s, %v", uri, err)
	}
	want(t, v, `{"name": "m", "version": "1", "creation_timestamp": 1, "last_updated_timestamp": 2, "user_id": "me", "current_stage": "None", "description": "",
		"source": "s3://b/m", "run_id": "r1", "status": "READY", "run_link": "http://x", "aliases": ["a"]}`)
	v, uri, err = getVersion(t, s, "m", 2)
	if err != nil || uri != "s3://b/m" {
		t.Errorf("%s, %v", uri, err)
	}
	want(t, v, `{"name": "m", "version": "2", "creation_timestamp": 1, "last_updated_timestamp": 2, "current_stage": "None", "source": "s3://b/m", "status": "READY"}`)
	for _, n := range []int64{0, -1, 3, 4, 99} {
		_, _, err = getVersion(t, s, "m", n)
		wantError(t, err, mlflow.ErrNotFound, `version `, ` of registered model "m"`)
	}
	_, _, err = getVersion(t, s, "nope", 1)
	wantError(t, err, mlflow.ErrNotFound, `registered model "nope"`)
}

func TestAFolderWithoutRegistrySaysSo(t *testing.T) {
	s := open(t, nil)
	_, err := getModel(t, s, "m")
	wantError(t, err, mlflow.ErrNotFound, `registered model "m"`, "holds no model registry")
	_, _, err = getVersion(t, s, "m", 1)
	wantError(t, err, mlflow.ErrNotFound, "holds no model registry")
	for m, err := range s.ListModels(t.Context(), fetch.Query{}) {
		t.Errorf("listed %v, %v", m, err)
	}
}

func list(t *testing.T, s *Store, q fetch.Query) (models, versions string) {
	t.Helper()
	var m, v []string
	for o, err := range s.ListModels(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, o.Name())
	}
	for o, err := range s.ListVersions(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		v = append(v, o.ID().String())
	}
	return strings.Join(m, " "), strings.Join(v, " ")
}

func TestListsInOrderAndHidesWhatSearchesHide(t *testing.T) {
	named := func(name, meta string) string { return strings.Replace(meta, "name: m\n", "name: "+name+"\n", 1) }
	s := open(t, files{
		"models/b/meta.yaml":                         named("b", model),
		"models/b/version-10/meta.yaml":              named("b", versionIn("10", "None")),
		"models/b/version-9/meta.yaml":               named("b", versionIn("9", "None")),
		"models/b/version-8/meta.yaml":               named("b", versionIn("8", "Deleted_Internal")),
		"models/B/meta.yaml":                         named("B", model),
		"models/.hidden/meta.yaml":                   named(".hidden", model),
		"models/prompt/meta.yaml":                    named("prompt", model),
		"models/prompt/tags/mlflow.prompt.is_prompt": "true",
		"models/prompt/version-1/meta.yaml":          named("prompt", versionIn("1", "None")),
		"models/file":                                "x",
		"models/stray/readme":                        "x",
		"models/moved/meta.yaml":                     model, // renamed by hand: it is still called m
	})
	models, versions := list(t, s, fetch.Query{})
	if models != ".hidden B b" || versions != "models:/b/9 models:/b/10" {
		t.Errorf("listed %q and %q", models, versions)
	}
	if models, versions = list(t, s, fetch.Query{Models: []string{"nope", "B", "../12"}}); models != "B" || versions != "" {
		t.Errorf("listed %q and %q", models, versions)
	}
	if m, err := getModel(t, s, "prompt"); err != nil || !m.IsPrompt() {
		t.Errorf("a prompt that is asked for by its name: %v", err)
	}
	if _, _, err := getVersion(t, s, "prompt", 1); err != nil {
		t.Errorf("the version of a prompt: %v", err)
	}
	_, err := getModel(t, s, "moved")
	wantError(t, err, mlflow.ErrNotFound, `folder models/moved describes registered model "m"`)
}

// What cannot be read must not vanish from a selection: it is listed, and
// reading it says why.
func TestABrokenModelOrVersionIsAnErrorOfItsKeyOnly(t *testing.T) {
	s := open(t, files{
		"models/m/meta.yaml":              model,
		"models/m/version-1/meta.yaml":    versionIn("1", "None"),
		"models/m/version-2/meta.yaml":    "name: [",
		"models/m/version-3/meta.yaml":    "",
		"models/m/version-4/meta.yaml":    "just text",
		"models/m/version-5/readme":       "no meta.yaml",
		"models/bad/meta.yaml":            "{",
		"models/bad/version-1/meta.yaml":  strings.Replace(versionIn("1", "None"), "name: m", "name: bad", 1),
		"models/missing/version-1/readme": "x",
	})
	if models, versions := list(t, s, fetch.Query{}); models != "bad m" || versions != "models:/bad/1 models:/m/1 models:/m/2 models:/m/3 models:/m/4" {
		t.Errorf("listed %q and %q", models, versions)
	}
	for n, reason := range map[int64]string{2: "models/m/version-2/meta.yaml: not YAML", 3: "version-3/meta.yaml is not a mapping", 4: "version-4/meta.yaml is not a mapping", 5: "there is no meta.yaml in it"} {
		_, _, err := getVersion(t, s, "m", n)
		wantError(t, err, mlflow.ErrUnavailable, reason, `of registered model "m"`)
	}
	if _, _, err := getVersion(t, s, "m", 1); err != nil {
		t.Error(err)
	}
	m, err := getModel(t, s, "m")
	if err != nil {
		t.Fatal(err)
	}
	var latest []string
	for v := range m.LatestVersions() {
		latest = append(latest, v.Text("version"))
	}
	if got := strings.Join(latest, " "); got != "4 3 2 1" {
		t.Errorf("latest_versions are %s: one that cannot be read may be the latest", got)
	}
	_, err = getModel(t, s, "bad")
	wantError(t, err, mlflow.ErrUnavailable, `reading registered model "bad"`, "models/bad/meta.yaml", "restore it")
	_, err = getModel(t, s, "missing")
	wantError(t, err, mlflow.ErrUnavailable, "models/missing: there is no meta.yaml in it")
}
