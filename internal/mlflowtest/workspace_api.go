package mlflowtest

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func readAll(r *http.Request) []byte {
	data, _ := io.ReadAll(io.LimitReader(r.Body, maxFakeBody))
	return data
}

// find is the first object of a list of the world that has these members.
func (f *FakeWorkspace) find(list string, pairs ...string) *mlflow.Object {
	for o := range f.world.Objects(list) {
		ok := true
		for i := 0; i < len(pairs); i += 2 {
			ok = ok && o.Text(pairs[i]) == pairs[i+1]
		}
		if ok {
			return o
		}
	}
	return nil
}

// found answers with an object below a key, or that there is none.
func found(key string, o *mlflow.Object, what string) fakeAnswer {
	if o == nil {
		return gone(what)
	}
	return jsonAnswer(members(key, o))
}

// less copies an object without some members.
func less(o *mlflow.Object, keys ...string) *mlflow.Object {
	if o == nil {
		return nil
	}
	out := o.Clone()
	for _, k := range keys {
		out.Delete(k)
	}
	return out
}

// paged answers a search: some rows, and the token of the next page.
func (f *FakeWorkspace) paged(r FakeRequest, key string, rows []any) fakeAnswer {
	size := f.opts.PageSize
	if n, err := strconv.Atoi(r.param("max_results")); err == nil && n < size {
		size = n
	}
	from, _ := strconv.Atoi(r.param("page_token"))
	from = min(from, len(rows))
	to := min(from+size, len(rows))
	o := members(key, rows[from:to])
	if to < len(rows) {
		o.Append("next_page_token", strconv.Itoa(to))
	}
	return jsonAnswer(o)
}

func (f *FakeWorkspace) answer(r FakeRequest) fakeAnswer {
	name, version := r.param("name"), r.param("version")
	switch e := r.Method + " " + r.Endpoint; e {
	case "GET registered-models/get":
		return found("registered_model", f.withLatest(less(f.find("models", "name", name), "id", "permission_level")), "Registered model "+name)
	case "GET databricks/registered-models/get":
		return found("registered_model_databricks", f.withLatest(f.find("models", "name", name)), "Registered model "+name)
	case "GET model-versions/get":
		return found("model_version", f.find("versions", "name", name, "version", version), "Model version "+name+"/"+version)
	case "GET model-versions/get-download-uri":
		uri := f.world.Object("download_uris").Text(name + "/" + version)
		if uri == "" {
			return gone("Model version " + name + "/" + version)
		}
		return jsonAnswer(members("artifact_uri", uri))
	case "GET transition-requests/list":
		return jsonAnswer(members("requests", f.world.Object("transition_requests").List(name+"/"+version)))
	case "GET experiments/get":
		return found("experiment", f.find("experiments", "experiment_id", r.param("experiment_id")), "Node ID "+r.param("experiment_id"))
	case "GET experiments/get-by-name":
		return found("experiment", f.find("experiments", "name", r.param("experiment_name")), "Node "+r.param("experiment_name"))
	case "GET runs/get":
		return found("run", f.run(r.param("run_id")), "Run "+r.param("run_id"))
	case "GET logged-models/get":
		if strings.Contains(r.Path, "/artifacts/") {
			return f.answerFiles(r)
		}
		return found("model", f.loggedModel(strings.TrimPrefix(r.Path, fakeAPI+"logged-models/")), "Logged model")
	case "GET serving-endpoints":
		return jsonAnswer(members("endpoints", f.world.List("endpoints")))
	case "GET lineage-tracking/table-lineage":
		o := f.world.Object("lineage").Object(r.param("table_name"))
		if o == nil {
			return refusal(404, "TABLE_DOES_NOT_EXIST", "Table does not exist")
		}
		return jsonAnswer(o)
	case "GET preview/scim/v2/Me":
		return jsonAnswer(members("id", "4711", "userName", "a.keller@bank.example"))
	}
	return f.answerSearch(r)
}

func (f *FakeWorkspace) answerSearch(r FakeRequest) fakeAnswer {
	switch r.Method + " " + r.Endpoint {
	case "GET registered-models/search":
		if filter := r.param("filter"); strings.Contains(filter, " IN ") {
			return refusal(400, "INVALID_PARAMETER_VALUE", "Unsupported filter query: "+filter)
		}
		var rows []any
		for o := range f.world.Objects("models") {
			rows = append(rows, f.withLatest(less(o, "id", "permission_level")))
		}
		return f.paged(r, "registered_models", rows)
	case "GET model-versions/search":
		name, ok := filteredName(r.param("filter"))
		if !ok {
			return refusal(400, "INVALID_PARAMETER_VALUE", "Unsupported filter query: "+r.param("filter"))
		}
		return f.paged(r, "model_versions", f.versionsOf("versions", name))
	case "POST runs/search":
		return f.searchRuns(r)
	case "POST experiments/search":
		if r.param("filter") != "" {
			return refusal(400, "INVALID_PARAMETER_VALUE", "Unsupported filter query")
		}
		return f.paged(r, "experiments", f.world.List("experiments"))
	}
	return f.answerCatalog(r)
}

// filteredName reads `name = 'x'`.
func filteredName(filter string) (string, bool) {
	name, ok := strings.CutPrefix(strings.ReplaceAll(filter, " ", ""), "name='")
	name, end := strings.CutSuffix(name, "'")
	return name, ok && end
}

func (f *FakeWorkspace) versionsOf(list, name string, lacks ...string) []any {
	var rows []any
	for o := range f.world.Objects(list) {
		if o.Text("name") == name {
			rows = append(rows, less(o, lacks...))
		}
	}
	return rows
}

// withLatest adds the latest version of each stage, in the order in which the
// stages occur.
func (f *FakeWorkspace) withLatest(m *mlflow.Object) *mlflow.Object {
	if m == nil {
		return nil
	}
	var stages []string
	latest := map[string]any{}
	for v := range f.world.Objects("versions") {
		if v.Text("name") == m.Text("name") {
			stage := v.Text("current_stage")
			if latest[stage] == nil {
				stages = append(stages, stage)
			}
			latest[stage] = v
		}
	}
	var list []any
	for _, s := range stages {
		list = append(list, latest[s])
	}
	out := &mlflow.Object{}
	for k, v := range m.All() {
		if k == "id" || k == "tags" || k == "permission_level" {
			continue
		}
		out.Append(k, v)
	}
	out.Append("latest_versions", list)
	for _, k := range []string{"id", "permission_level", "tags"} {
		if v, ok := m.Get(k); ok {
			out.Append(k, v)
		}
	}
	return out
}

func (f *FakeWorkspace) run(id string) *mlflow.Object {
	for o := range f.world.Objects("runs") {
		if o.Object("info").Text("run_id") == id {
			return o
		}
	}
	return nil
}

func (f *FakeWorkspace) loggedModel(id string) *mlflow.Object {
	for o := range f.world.Objects("logged_models") {
		if o.Object("info").Text("model_id") == id {
			return o
		}
	}
	return nil
}

// searchRuns knows lists of run ids, in the experiments that are named.
func (f *FakeWorkspace) searchRuns(r FakeRequest) fakeAnswer {
	var rows []any
	for o := range f.world.Objects("runs") {
		info := o.Object("info")
		if slices.Contains(r.params("experiment_ids"), info.Text("experiment_id")) &&
			(r.param("filter") == "" || strings.Contains(r.param("filter"), "'"+info.Text("run_id")+"'")) {
			rows = append(rows, less(o, "inputs", "outputs"))
		}
	}
	return f.paged(r, "runs", rows)
}

// answerCatalog is Unity Catalog.
func (f *FakeWorkspace) answerCatalog(r FakeRequest) fakeAnswer {
	name, version := r.param("name"), r.param("version")
	call, uc := strings.CutPrefix(r.Endpoint, "unity-catalog/")
	if !uc {
		return f.answerPermissions(r)
	}
	switch r.Method + " " + call {
	case "GET registered-models/get":
		return found("registered_model", f.find("uc_models", "name", name), "Function or Model '"+name+"'")
	case "GET registered-models/search":
		if r.param("filter") != "" || r.param("order_by") != "" {
			return refusal(400, "INVALID_PARAMETER_VALUE", "not supported for models in the Unity Catalog")
		}
		var rows []any
		for o := range f.world.Objects("uc_models") {
			rows = append(rows, less(o, "aliases", "tags"))
		}
		return f.paged(r, "registered_models", rows)
	case "GET model-versions/get":
		return found("model_version", f.find("uc_versions", "name", name, "version", version), "Model version")
	case "GET model-versions/search":
		name, ok := filteredName(r.param("filter"))
		if !ok || r.param("order_by") != "" {
			return refusal(400, "INVALID_PARAMETER_VALUE", "not supported for models in the Unity Catalog")
		}
		return f.paged(r, "model_versions", f.versionsOf("uc_versions", name, "aliases", "tags"))
	case "GET model-versions/get-download-uri":
		v := f.find("uc_versions", "name", name, "version", version)
		return jsonAnswer(members("artifact_uri", v.Text("storage_location")))
	case "GET registered-models:is-databricks-sdk-models-artifact-repository-enabled":
		return jsonAnswer(members("is_databricks_sdk_models_artifact_repository_enabled", f.opts.FilesAPI))
	case "POST model-versions/generate-temporary-credentials":
		return f.lend(name, version)
	}
	return refusal(404, "ENDPOINT_NOT_FOUND", "No API found for '"+r.Method+" "+r.Path+"'")
}

// answerPermissions is what may be done with an object, and by whom.
func (f *FakeWorkspace) answerPermissions(r FakeRequest) fakeAnswer {
	if key, ok := strings.CutPrefix(r.Endpoint, "permissions/"); ok {
		if object, ok := strings.CutSuffix(key, "/permissionLevels"); ok {
			kind, _, _ := strings.Cut(object, "/")
			return jsonAnswer(members("permission_levels", f.world.Object("permission_levels").List(kind)))
		}
		_, id, _ := strings.Cut(key, "/")
		if strings.HasPrefix(key, "experiments/") && strings.Trim(id, "0123456789") != "" {
			return refusal(400, "INVALID_PARAMETER_VALUE", "For input string: \""+id+"\"")
		}
		if o := f.world.Object("permissions").Object(key); o != nil {
			return jsonAnswer(o)
		}
		return refusal(403, "PERMISSION_DENIED", "User does not have permission to read the permissions of "+key)
	}
	for prefix, kind := range map[string]string{"/api/2.1/unity-catalog/permissions/function/": "grants", "/api/2.1/unity-catalog/effective-permissions/function/": "effective_grants"} {
		if name, ok := strings.CutPrefix(r.Path, prefix); ok {
			if o := f.world.Object(kind).Object(name); o != nil {
				return jsonAnswer(o)
			}
			return gone("Function '" + name + "'")
		}
	}
	return f.answerFiles(r)
}
