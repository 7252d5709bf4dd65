package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// files writes the MLmodel files where `mlflow-artifacts:/` is served from.
type files struct{ dir string }

func (f files) experiment(int) error { return nil }
func (f files) model(model) error    { return nil }
func (f files) version(v version) error {
	return put(filepath.Join(f.dir, strconv.Itoa(v.experiment), v.run, "artifacts", "model", "MLmodel"), string(v.mlmodel))
}

// folder writes objects as MLflow's file store does.
type folder struct{ dir string }

func (f folder) experiment(id int) error {
	return put(filepath.Join(f.dir, strconv.Itoa(id), "meta.yaml"), fmt.Sprintf(`artifact_location: mlflow-artifacts:/%[1]d
creation_time: %[2]d
experiment_id: '%[1]d'
last_update_time: %[2]d
lifecycle_stage: active
name: %[3]s
`, id, began+id, experimentName(id)))
}

func (f folder) model(m model) error {
	dir := filepath.Join(f.dir, "models", m.name())
	return putAll(dir, map[string]string{
		"meta.yaml": fmt.Sprintf("aliases:\n  champion: '1'\ncreation_timestamp: %d\ndescription: %s\nlast_updated_timestamp: %d\nname: %s\n",
			m.created(), m.description(), m.created()+5, m.name()),
		"aliases/champion": "1",
		"tags/owner":       m.owner(),
		"tags/policy":      m.policy(),
	})
}

func (f folder) version(v version) error {
	run := map[string]string{"meta.yaml": fmt.Sprintf(`artifact_uri: %s
end_time: %d
entry_point_name: ''
experiment_id: '%d'
lifecycle_stage: active
run_id: %s
run_name: %s
source_name: ''
source_type: 4
source_version: ''
start_time: %d
status: 3
tags: []
user_id: svc
`, v.root(), v.started()+61_234, v.experiment, v.run, v.runName(), v.started())}
	for i, value := range v.params {
		run[fmt.Sprintf("params/param_%02d", i)] = value
	}
	for i, value := range v.metrics {
		run[fmt.Sprintf("metrics/metric_%d", i)] = fmt.Sprintf("%d %v 0\n", v.started(), value)
	}
	for _, tag := range v.tags {
		run["tags/"+tag[0]] = tag[1]
	}
	run["artifacts/model/MLmodel"] = string(v.mlmodel)
	if err := putAll(filepath.Join(f.dir, strconv.Itoa(v.experiment), v.run), run); err != nil {
		return err
	}
	dir := filepath.Join(f.dir, "models", v.name(), fmt.Sprintf("version-%d", v.number))
	return putAll(dir, map[string]string{"tags/validation": v.validation, "meta.yaml": fmt.Sprintf(`creation_timestamp: %d
current_stage: None
description: ''
last_updated_timestamp: %d
name: %s
run_id: %s
run_link: ''
source: %[5]s/model
status: READY
status_message: null
storage_location: %[5]s/model
user_id: null
version: %d
`, v.started()+70_000, v.started()+71_000, v.name(), v.run, v.root(), v.number)})
}

func putAll(dir string, content map[string]string) error {
	for name, text := range content {
		if err := put(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
			return err
		}
	}
	return nil
}

func put(path, text string) error {
	err := os.WriteFile(path, []byte(text), 0o644)
	if os.IsNotExist(err) {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
	}
	return err
}
