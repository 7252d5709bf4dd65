package sqlstore

import (
	"cmp"
	"context"
	"strconv"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// An inputRow says that a run used a dataset.
type inputRow struct{ input, dataset, run string }

// datasetInputs reads what datasets runs used, with the tags of each use. The
// datasets themselves, which many runs share and whose schemas are long, are
// read once.
func (r *reader) datasetInputs(ctx context.Context, runs []any) (map[string][]any, error) {
	uses, err := r.datasetUses(ctx, runs)
	if err != nil {
		return nil, err
	}
	var inputs, datasets []any
	seen := map[string]bool{}
	for _, u := range uses {
		inputs = append(inputs, u.input)
		if !seen[u.dataset] {
			seen[u.dataset] = true
			datasets = append(datasets, u.dataset)
		}
	}
	tags := map[string][]any{}
	if r.store.schema.has("input_tags") {
		tags, err = pairs(ctx, r, search{table: "input_tags", keys: []string{"input_uuid"}, columns: []string{"input_uuid", "name", "value"}}, inputs, firstText)
		if err != nil {
			return nil, err
		}
	}
	found, err := r.datasets(ctx, datasets)
	if err != nil {
		return nil, err
	}
	byRun := map[string][]any{}
	for _, u := range uses {
		if d := found[u.dataset]; d != nil {
			o := roomy(2)
			putList(o, "tags", tags[u.input], byText("key"))
			o.Append("dataset", d)
			byRun[u.run] = append(byRun[u.run], o)
		}
	}
	return byRun, nil
}

func (r *reader) datasetUses(ctx context.Context, runs []any) (uses []inputRow, err error) {
	err = r.find(ctx, search{
		table: "inputs", keys: []string{"destination_id"}, columns: []string{"input_uuid", "source_id", "destination_id"},
		only: r.store.dialect.name("destination_type") + " = ?", values: []any{"RUN"},
	}, runs, func(row []any) {
		var u inputRow
		u.input, _ = text(row[0])
		u.dataset, _ = text(row[1])
		u.run, _ = text(row[2])
		uses = append(uses, u)
	})
	return uses, err
}

func (r *reader) datasets(ctx context.Context, ids []any) (map[string]*mlflow.Object, error) {
	fields := []field{
		{"name", "name", asText},
		{"digest", "digest", asText},
		{"dataset_source_type", "source_type", asText},
		{"dataset_source", "source", asText},
		{"dataset_schema", "schema", ifText},
		{"dataset_profile", "profile", ifText},
	}
	found := map[string]*mlflow.Object{}
	err := r.find(ctx, search{
		table: "datasets", keys: []string{"dataset_uuid"}, columns: append(columnsOf(fields), "dataset_uuid"),
	}, ids, func(row []any) {
		id, _ := text(row[len(fields)])
		o := roomy(len(fields))
		put(o, fields, row)
		found[id] = o
	})
	return found, err
}

// byDataset orders dataset inputs by what their datasets are.
func byDataset(a, b *mlflow.Object) int {
	return byText("name", "digest", "source_type", "source")(a.Object("dataset"), b.Object("dataset"))
}

// runModels reads which logged models runs used and made.
func (r *reader) runModels(ctx context.Context, runs []any) (inputs, outputs map[string][]any, err error) {
	d := r.store.dialect
	inputs, outputs = map[string][]any{}, map[string][]any{}
	err = r.find(ctx, search{
		table: "inputs", keys: []string{"source_id"}, columns: []string{"source_type", "source_id", "destination_type", "destination_id", "step"},
		only: d.in([]string{"source_type"}, 2), values: []any{"RUN_INPUT", "RUN_OUTPUT"},
	}, runs, func(row []any) {
		from, _ := text(row[0])
		run, _ := text(row[1])
		to, _ := text(row[2])
		o := roomy(2)
		put(o, []field{{"", "model_id", asText}}, row[3:])
		switch {
		case from == "RUN_INPUT" && to == "MODEL_INPUT":
			inputs[run] = append(inputs[run], o)
		case from == "RUN_OUTPUT" && to == "MODEL_OUTPUT":
			put(o, []field{{"", "step", asNumber}}, row[4:])
			outputs[run] = append(outputs[run], o)
		}
	})
	return inputs, outputs, err
}

func byModelAndStep(a, b *mlflow.Object) int {
	return cmp.Or(byText("model_id")(a, b), compareWhole(a, b, "step"))
}

func compareWhole(a, b *mlflow.Object, member string) int {
	x, _ := strconv.ParseInt(a.Text(member), 10, 64)
	y, _ := strconv.ParseInt(b.Text(member), 10, 64)
	return cmp.Compare(x, y)
}
