package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// A model is a registered model, by its number.
type model int

func (m model) name() string  { return fmt.Sprintf("team%02d.model-%06d", m%experiments, int(m)) }
func (m model) owner() string { return fmt.Sprintf("team-%02d", m%experiments) }
func (m model) policy() string {
	return fmt.Sprintf(`{"tier": %d, "reviewed": true}`, m%4)
}
func (m model) description() string { return fmt.Sprintf("Model %d of the scale store", int(m)) }
func (m model) created() int64      { return began + int64(m) }

// A version is one version of a model with its run.
type version struct {
	model
	number     int
	run        string
	experiment int
	params     [20]string
	metrics    [10]float64
	tags       [8][2]string // key and value
	validation string
	mlmodel    []byte
}

func newVersion(rng *rand.Rand, m model, number int) version {
	v := version{model: m, number: number, run: hex(rng, 32), experiment: 1 + int(m)%experiments, validation: "passed"}
	for i := range v.params {
		v.params[i] = strconv.FormatFloat(rng.Float64(), 'f', 6, 64)
	}
	for i := range v.metrics {
		v.metrics[i] = rng.Float64()
	}
	v.tags = [8][2]string{
		{"mlflow.runName", v.runName()}, {"mlflow.user", "svc"}, {"mlflow.source.name", "train.py"}, {"mlflow.source.type", "LOCAL"},
		{"mlflow.source.git.commit", hex(rng, 40)}, {"team", m.owner()}, {"spec", `{"layers": [64, 32], "dropout": 0.1}`}, {"ticket", fmt.Sprintf("MRM-%06d", int(m))},
	}
	if rng.IntN(10) == 0 {
		v.validation = "failed"
	}
	v.mlmodel = fmt.Appendf(nil, mlmodelText, rng.IntN(10_000_000), hex(rng, 32), v.run)
	return v
}

func (v version) runName() string { return fmt.Sprintf("%s-%d", v.name(), v.number) }
func (v version) started() int64  { return began + int64(v.model)*1000 + int64(v.number)*137 }
func (v version) root() string {
	return fmt.Sprintf("mlflow-artifacts:/%d/%s/artifacts", v.experiment, v.run)
}

func hex(rng *rand.Rand, digits int) string {
	out := make([]byte, digits)
	for i := range out {
		out[i] = "0123456789abcdef"[rng.IntN(16)]
	}
	return string(out)
}

const mlmodelText = `artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.5.1
is_signature_from_type_hint: false
mlflow_version: 2.22.1
model_size_bytes: %d
model_uuid: %s
prompts: null
run_id: %s
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}, {"type": "double", "name": "y", "required": true}]'
  outputs: '[{"type": "double", "required": true}]'
  params: null
type_hint_from_example: false
utc_time_created: '2023-11-14 22:13:20.000000'
`
