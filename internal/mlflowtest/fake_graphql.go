package mlflowtest

import (
	"fmt"
	"regexp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// graphQL answers queries for runs, as MLflow does: at most ten fields at the
// root, null for a run that is not there, status 200 whatever goes wrong.
func (f *Fake) graphQL(r FakeRequest) fakeAnswer {
	query := r.param("query")
	field := regexp.MustCompile(`(\w+)\s*:\s*mlflowGetRun\(input:\s*\{\s*runId:\s*\$(\w+)\s*\}\)`)
	asked := field.FindAllStringSubmatch(query, -1)
	var errors []any
	switch {
	case len(asked) == 0:
		errors = append(errors, "Syntax Error")
	case len(asked) > 10:
		errors = append(errors, fmt.Sprintf("GraphQL queries should have at most 10 root fields, got %d root fields.", len(asked)))
	case !f.does.loggedModels:
		errors = append(errors, "Cannot query field 'modelInputs' on type 'MlflowRunInputs'.")
	}
	if len(errors) > 0 {
		return jsonAnswer(mlflow.NewObject(mlflow.Member{Key: "data"}, mlflow.Member{Key: "errors", Value: errors}))
	}
	data := &mlflow.Object{}
	for _, m := range asked {
		id := r.Body.Object("variables").Text(m[2])
		run := f.world.Run(id)
		if run == nil {
			data.Append(m[1], nil)
			errors = append(errors, fmt.Sprintf("Run with id=%s not found", id))
			continue
		}
		data.Append(m[1], members("run", graphQLRun(run)))
	}
	answer := members("data", data, "errors", errors)
	return jsonAnswer(answer)
}

// graphQLRun shows what readers ask of a run; empty lists are shown, and
// numbers are text.
func graphQLRun(run *FakeRun) *mlflow.Object {
	inputs, outputs := []any{}, []any{}
	for _, id := range run.ModelInputs {
		inputs = append(inputs, members("modelId", id))
	}
	for _, id := range run.ModelOutputs {
		outputs = append(outputs, members("modelId", id, "step", "0"))
	}
	return members("info", members("runId", run.ID),
		"inputs", mlflow.NewObject(mlflow.Member{Key: "modelInputs", Value: inputs}),
		"outputs", mlflow.NewObject(mlflow.Member{Key: "modelOutputs", Value: outputs}))
}
