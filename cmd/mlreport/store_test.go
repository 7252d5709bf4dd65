package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// store KIND DIR makes a store as people have it, of the sample store or by
// hand, in a folder:
//
//	moved   mlflow.db and mlruns/, written on Windows and copied from there
//	empty   mlflow.db with MLflow's tables and the default experiment
//	less    mlflow.db without one version of Sklearn_Wine
//	strange mlflow.db with models whose names are wide, or turn a line around
//	runs    mlflow.db with runs that logged no model
//	newer   mlflow.db with a table of another name, as a later MLflow may have
//	older   mlflow.db as MLflow 0.9 made it
//	folder  mlruns/ of MLflow 2, written on Windows: two runs, each with a
//	        model that nobody registered
func makeStore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: store KIND DIR")
	}
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o755))
	if args[0] == "folder" {
		windowsFolder(ts, filepath.Join(dir, "mlruns"))
		return
	}
	db := filepath.Join(dir, "mlflow.db")
	data, err := os.ReadFile(filepath.Join(ts.Getenv("SAMPLES"), "store", "mlflow.db"))
	ts.Check(err)
	ts.Check(os.WriteFile(db, data, 0o644))
	switch args[0] {
	case "moved":
		ts.Check(os.CopyFS(filepath.Join(dir, "mlruns"), os.DirFS(filepath.Join(ts.Getenv("SAMPLES"), "store", "artifacts"))))
		alterStore(ts, db, "PRAGMA foreign_keys = off")
		for _, column := range []string{"runs.artifact_uri", "experiments.artifact_location", "logged_models.artifact_location", "model_versions.storage_location", "model_versions.source"} {
			table, name, _ := strings.Cut(column, ".")
			alterStore(ts, db, "UPDATE "+table+" SET "+name+" = replace("+name+", 'mlflow-artifacts:/', 'file:///C:/Users/kim/My Work/proj/mlruns/')")
		}
	case "empty":
		alterStore(ts, db, registryGone, "DELETE FROM runs", "DELETE FROM logged_models", "DELETE FROM experiments WHERE experiment_id <> 0")
	case "strange":
		alterStore(ts, db, registryGone, "DELETE FROM logged_models")
		for i, name := range []string{"信用风险评分模型", "🦊 fraud 🐍", "\u202egpj.exe", "zero\u200bwidth", "re\u0301sume\u0301", "\x1b[31mred\x1b[2J", "שלום"} {
			v := fmt.Sprintf("%d", 1700000000000+i)
			alterStore(ts, db,
				"INSERT INTO registered_models (name, creation_time, last_updated_time, description, workspace) VALUES ('"+name+"', "+v+", "+v+", '', 'default')",
				"INSERT INTO registered_model_aliases (name, alias, version, workspace) VALUES ('"+name+"', '冠军', 1, 'default')",
				"INSERT INTO model_versions (name, version, creation_time, last_updated_time, user_id, current_stage, source, run_id, status, run_link, workspace)"+
					" VALUES ('"+name+"', 1, "+v+", "+v+", '李\u202e', 'None', 'mlflow-artifacts:/x', 'gone', 'READY', '', 'default')",
			)
		}
	case "less":
		alterStore(ts, db, "UPDATE model_versions SET current_stage = 'Deleted_Internal' WHERE name = 'Sklearn_Wine' AND version = 1")
	case "runs":
		alterStore(ts, db, registryGone, "DELETE FROM logged_models")
	case "newer":
		alterStore(ts, db, "PRAGMA legacy_alter_table = on; ALTER TABLE model_versions RENAME TO versions_of_models")
	case "older":
		for _, table := range []string{"experiment_tags", "latest_metrics", "registered_models", "registered_model_tags", "model_versions", "model_version_tags",
			"registered_model_aliases", "datasets", "inputs", "input_tags", "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics"} {
			alterStore(ts, db, "PRAGMA foreign_keys = off; DROP TABLE "+table)
		}
	default:
		ts.Fatalf("there is no kind of store %q", args[0])
	}
}

const registryGone = "PRAGMA foreign_keys = off; DELETE FROM registered_models; DELETE FROM model_versions; DELETE FROM registered_model_aliases; DELETE FROM tags WHERE key = 'mlflow.log-model.history'"

// alterStore runs statements on a database.
func alterStore(ts *testscript.TestScript, db string, statements ...string) {
	conn, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: db}).String())
	ts.Check(err)
	for _, s := range statements {
		_, err := conn.Exec(s)
		ts.Check(err)
	}
	ts.Check(conn.Close())
}

// windowsFolder writes a folder store as MLflow 2 does on Windows.
func windowsFolder(ts *testscript.TestScript, dir string) {
	const at = "file:///D:/My%20Work/proj/mlruns"
	files := map[string]string{
		"0/meta.yaml": "artifact_location: " + at + "/0\ncreation_time: 1700000000000\nexperiment_id: '0'\nlast_update_time: 1700000000000\nlifecycle_stage: active\nname: Default\n",
	}
	for i, id := range []string{"1111aaaa1111aaaa1111aaaa1111aaaa", "2222bbbb2222bbbb2222bbbb2222bbbb"} {
		run := "0/" + id
		files[run+"/meta.yaml"] = "artifact_uri: " + at + "/" + run + "/artifacts\nend_time: 170000000100" + string(rune('0'+i)) + "\nentry_point_name: ''\nexperiment_id: '0'\nlifecycle_stage: active\nrun_id: " + id +
			"\nrun_name: try-" + string(rune('1'+i)) + "\nrun_uuid: " + id + "\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: 170000000000" + string(rune('0'+i)) + "\nstatus: 3\ntags: []\nuser_id: kim\n"
		files[run+"/params/alpha"] = "0." + string(rune('1'+i))
		files[run+"/metrics/rmse"] = "1700000000500 0.7" + string(rune('1'+i)) + " 0\n"
		files[run+"/tags/mlflow.user"] = "kim"
		files[run+"/tags/mlflow.log-model.history"] = `[{"run_id": "` + id + `", "artifact_path": "model", "utc_time_created": "2023-11-14 22:13:20.000000", "flavors": {}, "model_uuid": "u"}]`
		files[run+"/artifacts/model/MLmodel"] = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.10.11\n  sklearn:\n    sklearn_version: 1.3.0\nmlflow_version: 2.8.0\nrun_id: " + id + "\nutc_time_created: '2023-11-14 22:13:20.000000'\n"
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, []byte(content), 0o644))
	}
}
