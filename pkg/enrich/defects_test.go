package enrich_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The tests in this file are named after what goes right where the seed tool
// goes wrong; D1 and so on are the numbers of its defects.

func object(t *testing.T, text string) *mlflow.Object {
	t.Helper()
	o, err := mlflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func compact(v any) string { return string(mlflow.JSON{}.Append(nil, v)) }

func wantJSON(t *testing.T, want string, got any) {
	t.Helper()
	if g := compact(got); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

// withTag is a run with one tag, enriched; the result is the tags.
func withTag(t *testing.T, key string, value any, o enrich.Options) *mlflow.Object {
	t.Helper()
	tag := mlflow.NewObject(mlflow.Member{Key: "key", Value: key}, mlflow.Member{Key: "value", Value: value})
	data := mlflow.NewObject(mlflow.Member{Key: "tags", Value: []any{tag}})
	run := mlflow.Run{Object: mlflow.NewObject(mlflow.Member{Key: "data", Value: data})}
	return enrich.Run(run, "", o).Data().Object("tags")
}

func bothFormats(t *testing.T, test func(t *testing.T, o enrich.Options)) {
	t.Run("default", func(t *testing.T) { test(t, enrich.Options{}) })
	t.Run("compat", func(t *testing.T) { test(t, enrich.Options{Compat: true}) })
}

func TestIDsStayText(t *testing.T) { // D1
	run := mlflow.Run{Object: object(t, `{"info": {"run_id": "12", "experiment_id": "1"}}`)}
	got := enrich.Run(run, "1", enrich.Options{})
	wantJSON(t, `{"run_id":"12","experiment_id":"1","_experiment_name":"1"}`, got.Info())
	e := enrich.Experiment(mlflow.Experiment{Object: object(t, `{"experiment_id": "1", "name": "2"}`)}, enrich.Options{})
	wantJSON(t, `{"experiment_id":"1","name":"2"}`, e.Object)
}

func TestSizeAndFilesOfALoggedModelAreItsOwn(t *testing.T) { // D2
	content := object(t, `{"artifact_path": "mlflow-artifacts:/1/models/m-1/artifacts", "run_id": "ab", "model_size_bytes": 100}`)
	files := &mlflow.FileList{MaxLevel: -1, Files: []mlflow.FileInfo{{Path: "MLmodel", Bytes: 98}, {Path: "model.pkl", Bytes: 15}}}
	got := enrich.MLmodel(content, files, enrich.Options{})
	if got.Text("model_size_bytes") != "113" || got.Object("artifacts").Text("num_artifacts") != "2" {
		t.Errorf("got %s", compact(got))
	}
	b := &mlflow.Bundle{File: mlflow.ModelFile{URI: "mlflow-artifacts:/1/models/m-1/artifacts", Content: content}, Files: files}
	tree := enrich.Bundle(b, enrich.Options{Compat: true}).File.Content.Object("artifacts")
	wantJSON(t, `"mlflow-artifacts:/1/models/m-1/artifacts"`, tree.Text("root_uri"))
	wantJSON(t, `{"path":"MLmodel","is_dir":false,"file_size":98}`, tree.List("files")[0])
}

func TestRunModelDownloadURICanBeDownloaded(t *testing.T) { // D2
	const files = "mlflow-artifacts:/1/models/m-3ff6/artifacts"
	for source, want := range map[string]string{
		`"models:/m-3ff6"`:    `"` + files + `"`,
		`"models:/staging/3"`: `"` + files + `"`,
		`"runs:/ab12/model"`:  `"runs:/ab12/model"`,
		`"s3://bucket/model"`: `"s3://bucket/model"`,
		`""`:                  `null`,
	} {
		v := mlflow.ModelVersion{Object: object(t, `{"name": "a", "version": "1", "source": `+source+`}`)}
		got, _ := enrich.ModelVersion(v, files, enrich.Options{}).Get("_run_model_download_uri")
		wantJSON(t, want, got)
	}
	v := mlflow.ModelVersion{Object: object(t, `{"name": "a", "version": "1", "source": "models:/m-3ff6"}`)}
	if got := enrich.ModelVersion(v, "", enrich.Options{}); got.Has("_run_model_download_uri") || got.Has("_reg_model_download_uri") {
		t.Errorf("made up: %s", compact(got.Object))
	}
}

func TestNaNAndInfinityStayText(t *testing.T) { // D6
	bothFormats(t, func(t *testing.T, o enrich.Options) {
		run := mlflow.Run{Object: object(t, `{"data": {"metrics": [{"key": "a", "value": "NaN"}, {"key": "b", "value": "-Infinity"}]},
			"inputs": {"dataset_inputs": [{"dataset": {"name": "d", "digest": "1234e567", "profile": "{\"mean\": NaN}"}}]}}`)}
		got := enrich.Run(run, "", o)
		wantJSON(t, `{"data":{"metrics":[{"key":"a","value":"NaN"},{"key":"b","value":"-Infinity"}]},`+
			`"inputs":{"dataset_inputs":[{"dataset":{"name":"d","digest":"1234e567","profile":"{\"mean\": NaN}"}}]}}`, got.Object)
	})
}

func TestBytesOfAFolderAreTheSumOfItsFiles(t *testing.T) { // D7
	files := &mlflow.FileList{MaxLevel: -1, Files: []mlflow.FileInfo{
		{Path: "MLmodel", Bytes: 104410}, {Path: "metadata", Dir: true}, {Path: "metadata/MLmodel", Bytes: 1258}, {Path: "metadata/x/conda.yaml", Bytes: 625},
	}}
	folder := enrich.Files(files, enrich.Options{}).List("files")[1].(*mlflow.Object)
	wantJSON(t, `"1883"`, folder.Text("bytes"))
}

func TestADotInANameIsNotUnityCatalog(t *testing.T) { // D11
	v := mlflow.ModelVersion{Object: object(t, `{"name": "my.model.v1", "version": "1"}`)}
	bothFormats(t, func(t *testing.T, o enrich.Options) {
		o.UI = "http://host"
		got := enrich.ModelVersion(v, "", o)
		page := `"http://host/#/models/my.model.v1/versions/1"`
		if o.Compat {
			page = `"http://host#/models/my.model.v1/versions/1"`
		}
		wantJSON(t, page, got.Text("_web_ui_link"))
		wantJSON(t, `"http://host/api/2.0/mlflow/model-versions/get?name=my.model.v1&version=1"`, got.Text("_api_link"))
		uc, _ := got.Get("_is_unity_catalog")
		wantJSON(t, `false`, uc)
	})
	got := enrich.ModelVersion(v, "", enrich.Options{UI: "https://host", Databricks: true, UnityCatalog: true})
	wantJSON(t, `"https://host/explore/data/models/my/model/v1/version/1"`, got.Text("_web_ui_link"))
}

func TestAnySparkDatasourceInfoIsTaken(t *testing.T) { // D12
	bothFormats(t, func(t *testing.T, o enrich.Options) {
		for _, value := range []string{"path=s3://b/date=2023-01-01,format=delta", "path=a,b", "", "path=a,format=csv\n"} {
			wantJSON(t, compact(value), func() any { v, _ := withTag(t, "sparkDatasourceInfo", value, o).Get("sparkDatasourceInfo"); return v }())
		}
	})
}

func TestAnEmptyFileHasNoBytes(t *testing.T) { // D13
	files := &mlflow.FileList{MaxLevel: -1, Files: []mlflow.FileInfo{{Path: "empty"}}}
	wantJSON(t, `{"num_artifacts":1,"num_bytes":0,"num_levels":1,"files":[{"path":"empty","bytes":0}]}`, enrich.Files(files, enrich.Options{}))
	wantJSON(t, `{"summary":{"artifact_max_level":9223372036854775807,"num_artifacts":1,"num_bytes":0,"num_levels":1},`+
		`"root_uri":"","files":[{"path":"empty","is_dir":false,"file_size":0}]}`, enrich.Files(files, enrich.Options{Compat: true}))
}

func TestFileNamesStayNames(t *testing.T) { // D14
	bothFormats(t, func(t *testing.T, o enrich.Options) {
		files := &mlflow.FileList{MaxLevel: -1, Files: []mlflow.FileInfo{{Path: "123"}, {Path: "null"}, {Path: "true", Dir: true}}}
		for i, want := range []string{`"123"`, `"null"`, `"true"`} {
			path, _ := enrich.Files(files, o).List("files")[i].(*mlflow.Object).Get("path")
			wantJSON(t, want, path)
		}
	})
}

func TestTagsOfTheRegistryAreExploded(t *testing.T) { // D21
	const tags = `"tags": [{"key": "config", "value": "{\"tier\": 1}"}]`
	m := mlflow.RegisteredModel{Object: object(t, `{"name": "a", `+tags+`, "latest_versions": [{"name": "a", "version": "1", "creation_timestamp": 1795435140092, `+tags+`}]}`)}
	got := enrich.RegisteredModel(m, enrich.Options{})
	wantJSON(t, `{"config":{"tier":1}}`, got.Object.Object("tags"))
	for v := range got.LatestVersions() {
		wantJSON(t, `{"name":"a","version":"1","creation_timestamp":1795435140092,"tags":{"config":{"tier":1}},`+
			`"_creation_timestamp":"2026-11-23 11:59:00","_is_unity_catalog":false}`, v.Object)
	}
}

func TestWhatWeAddIsNeverExploded(t *testing.T) { // D22
	run := mlflow.Run{Object: object(t, `{"info": {"run_id": "ab", "experiment_id": "1"}}`)}
	name, _ := enrich.Run(run, `{"a": 1}`, enrich.Options{}).Info().Get("_experiment_name")
	wantJSON(t, `"{\"a\": 1}"`, name)
	files := &mlflow.FileList{MaxLevel: -1, Files: []mlflow.FileInfo{{Path: "a", Bytes: 999}, {Path: "b", Bytes: 1000}}}
	wantJSON(t, `[{"path":"a","bytes":999},{"path":"b","bytes":1000}]`, enrich.Files(files, enrich.Options{}).List("files"))
}

func TestIncompleteObjectsAreTaken(t *testing.T) { // D30, D35
	bothFormats(t, func(t *testing.T, o enrich.Options) {
		v := mlflow.ModelVersion{Object: object(t, `{"name": "a", "version": "1", "tags": [{"key": "empty"}]}`)}
		wantJSON(t, `{"empty":""}`, enrich.ModelVersion(v, "", o).Object.Object("tags"))
		content := object(t, `{"run_id": "ab", "flavors": {"python_function": {}, "sklearn": {}, "onnx": {}}}`)
		wantJSON(t, `"sklearn"`, enrich.MLmodel(content, &mlflow.FileList{MaxLevel: -1}, o).Text("model_flavor"))
		for _, text := range []string{`{}`, `{"info": {}, "data": {}, "inputs": {}, "outputs": {}}`, `{"info": 1, "data": [], "inputs": "x"}`, `{"data": {"tags": [1, {}], "params": [2], "metrics": "x"}}`} {
			enrich.Run(mlflow.Run{Object: object(t, text)}, "a", o)
		}
		enrich.Bundle(&mlflow.Bundle{}, o)
	})
}

func TestDeepAndLongTagsAreTaken(t *testing.T) { // D33
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	deepest := strings.Repeat("[", 984) + strings.Repeat("]", 984)
	inText := fmt.Sprintf(`[%q]`, strings.Repeat("[", 984)+strings.Repeat("]", 984))
	inner := fmt.Sprintf("%q", strings.Repeat("[", 600)+strings.Repeat("]", 600))
	together := strings.Repeat(`{"a":`, 600) + inner + strings.Repeat("}", 600)
	long := strings.Repeat("9", 5000)
	bothFormats(t, func(t *testing.T, o enrich.Options) {
		for _, value := range []string{deep, long, `{"a":` + long + "}", deepest, "[" + deepest + "]", inText, together} {
			out := mlflow.EncodeReport(mlflow.NewObject(mlflow.Member{Key: "run", Value: withTag(t, "a", value, o)}))
			if _, err := mlflow.DecodeStrict(string(out)); err != nil {
				t.Errorf("%.20s... cannot be read back: %v", value, err)
			}
		}
		got, _ := withTag(t, "a", deep, o).Get("a")
		wantJSON(t, compact(deep), got)
		got, _ = withTag(t, "a", long, o).Get("a")
		wantJSON(t, compact(long), got)
	})
	tag := func(value string) *mlflow.Object { return withTag(t, "a", value, enrich.Options{}) }
	if tag(deepest).List("a") == nil || tag("["+deepest+"]").List("a") != nil || tag(together).Object("a") == nil {
		t.Error("a tag was exploded that is too deep, or was not that is not")
	}
}

func TestAFolderChainWithoutEndIsCutOff(t *testing.T) {
	path := strings.Repeat("a/", 30000) + "file"
	bothFormats(t, func(t *testing.T, o enrich.Options) {
		files := &mlflow.FileList{MaxLevel: -1, Files: []mlflow.FileInfo{{Path: path, Bytes: 7}, {Path: strings.TrimSuffix(path, "/file"), Dir: true}}}
		out := string(mlflow.EncodeReport(enrich.Files(files, o)))
		if _, err := mlflow.DecodeStrict(out); err != nil || !strings.Contains(out, path) || strings.Count(out, `"path"`) != 101 {
			t.Errorf("%d entries, %v", strings.Count(out, `"path"`), err)
		}
	})
}
