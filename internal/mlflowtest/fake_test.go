package mlflowtest

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// An answered question to a server, fake or real.
type asked struct {
	Status int
	Code   string // error_code, or the keys of the answer
}

func ask(t *testing.T, base, question string) asked {
	t.Helper()
	method, path, _ := strings.Cut(question, " ")
	path, body, _ := strings.Cut(path, " {")
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, nil)
	if body != "" {
		req, err = http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader("{"+body))
	}
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := asked{Status: answer.StatusCode}
	if o, err := mlflow.DecodeJSON(text); err == nil {
		a.Code = o.Text("error_code")
		if answer.StatusCode == 200 {
			for k := range o.All() {
				a.Code += k + " "
			}
		}
	} else if answer.StatusCode == 200 {
		a.Code = string(text)
	}
	return a
}

func search(entity, filter string) string {
	return "GET /api/2.0/mlflow/" + entity + "/search?" + url.Values{"filter": {filter}, "max_results": {"5"}}.Encode()
}

// questions are asked of an empty server.
func questions() []string {
	return []string{
		"GET /version",
		"GET /health",
		"GET /api/2.0/mlflow/registered-models/get?name=nope",
		"GET /api/2.0/mlflow/registered-models/get?name=a%2Fb",
		"GET /api/2.0/mlflow/registered-models/get?name=" + strings.Repeat("x", 5000),
		"GET /api/2.0/mlflow/registered-models/search",
		"GET /api/2.0/mlflow/registered-models/search?max_results=1001",
		"GET /api/2.0/mlflow/registered-models/search?max_results=5&page_token=nonsense",
		search("registered-models", "name = 'a'"),
		search("registered-models", `name = "it's"`),
		search("registered-models", "name LIKE 'a%'"),
		search("registered-models", "name IN ('a','b')"),
		search("registered-models", `name IN ('it\x27s','a\x5c')`),
		search("registered-models", "name IN ('a\nb','c')"),
		search("registered-models", "name >"),
		search("model-versions", "name = 'a' AND version_number >= 1 AND version_number <= 2"),
		search("model-versions", "name IN ('a','b') AND version_number >= 1"),
		search("model-versions", "run_id IN ('a','b')"),
		"GET /api/2.0/mlflow/model-versions/get?name=nope&version=1",
		"GET /api/2.0/mlflow/model-versions/get-download-uri?name=nope&version=1",
		"GET /api/2.0/mlflow/runs/get?run_id=nope",
		`POST /api/2.0/mlflow/runs/search {"experiment_ids": ["0"], "filter": "attributes.run_id IN ('a','b')", "run_view_type": "ALL", "max_results": 5}`,
		`POST /api/2.0/mlflow/runs/search {"experiment_ids": ["abc"], "max_results": 5}`,
		`POST /api/2.0/mlflow/runs/search {"experiment_ids": ["77"], "max_results": 5}`,
		"GET /api/2.0/mlflow/experiments/get?experiment_id=0",
		"GET /api/2.0/mlflow/experiments/get?experiment_id=99",
		"GET /api/2.0/mlflow/experiments/get?experiment_id=abc",
		"GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=nope",
		"GET /api/2.0/mlflow/experiments/search",
		`POST /api/2.0/mlflow/experiments/search {"max_results": 5, "view_type": "ALL", "filter": "experiment_id IN ('0','1')"}`,
		`POST /api/2.0/mlflow/experiments/search {"max_results": 5, "view_type": "ALL"}`,
		"GET /api/2.0/mlflow/logged-models/m-nope",
		`POST /api/2.0/mlflow/logged-models/search {"experiment_ids": ["0"], "filter": "model_id IN ('m-1','m-2')", "max_results": 5}`,
		`POST /graphql {"query": "query($r0: String) { r0: mlflowGetRun(input: {runId: $r0}) { run { info { runId } } } }", "variables": {"r0": "nope"}}`,
		"GET /api/2.0/mlflow-artifacts/artifacts/1/nope/MLmodel",
		"GET /api/2.0/mlflow-artifacts/artifacts?path=1/nope",
		"GET /api/2.0/mlflow/no-such-endpoint",
	}
}

func TestTheFakeSpeaksByTheVersionItHas(t *testing.T) {
	want := map[string]map[string]asked{
		"1.30.1": {
			"GET /version": {404, ""},
			search("registered-models", "name IN ('a','b')"):                                       {200, "registered_models next_page_token "},
			search("model-versions", "name = 'wine' AND version_number >= 1"):                      {400, "INVALID_PARAMETER_VALUE"},
			`POST /api/2.0/mlflow/runs/search {"max_results": 5, "filter": "run_id IN ('a','b')"}`: {400, "INVALID_PARAMETER_VALUE"},
			"POST /graphql {}":                                {404, ""},
			"GET /api/2.0/mlflow/logged-models/m-nope":        {404, ""},
			"GET /api/2.0/mlflow-artifacts/artifacts/nowhere": {500, "INTERNAL_ERROR"},
		},
		"2.9.2": {
			"GET /version": {200, "2.9.2"},
			search("registered-models", "name IN ('a','b')"):                                       {400, "INVALID_PARAMETER_VALUE"},
			search("model-versions", "name = 'wine' AND version_number >= 1"):                      {200, "model_versions "},
			`POST /api/2.0/mlflow/runs/search {"max_results": 5, "filter": "run_id IN ('a','b')"}`: {200, ""},
		},
		"3.8.1": {
			search("registered-models", "name IN ('a','b')"):           {400, "INVALID_PARAMETER_VALUE"},
			"GET /api/2.0/mlflow/logged-models/m-nope":                 {404, "RESOURCE_DOES_NOT_EXIST"},
			"GET /api/2.0/mlflow/experiments/get?experiment_id=abc":    {500, "INTERNAL_ERROR"},
			"GET /api/2.0/mlflow-artifacts/artifacts/nowhere":          {500, "INTERNAL_ERROR"},
			"GET /api/2.0/mlflow/registered-models/get?name=forbidden": {404, "RESOURCE_DOES_NOT_EXIST"},
			"GET /api/2.0/mlflow/registered-models/get?name=secret":    {403, ""},
		},
		"3.17.2": {
			search("registered-models", "name IN ('a','b')"):  {200, ""},
			"GET /api/2.0/mlflow-artifacts/artifacts/nowhere": {404, "RESOURCE_DOES_NOT_EXIST"},
		},
	}
	for version, questions := range want {
		f := StartFake(t, SmallFakeWorld(), FakeOptions{Version: version})
		for question, want := range questions {
			if d := cmp.Diff(want, ask(t, f.URL, question)); d != "" {
				t.Errorf("%s: %.100s: %s", version, question, d)
			}
		}
	}
}

func TestListsOfINAreReadAsPythonText(t *testing.T) {
	for filter, want := range map[string][]string{
		`name IN ('a','b c')`:        {"a", "b c"},
		`name IN ('it\x27s')`:        {"it's"},
		`name IN ('it\'s','say"hi')`: {"it's", `say"hi`},
		`name IN ('a\x5c','b')`:      {`a\`, "b"},
		`name IN ('a\\b')`:           {`a\b`},
		`name IN ('a\nb')`:           {"a\nb"},
		`name IN ('\u2603')`:         {"☃"},
		"name IN ('a\nb')":           nil,
		`name IN ('a\\','b')`:        nil, // the SQL parser sees a quote in the second backslash and the quote
		`name IN ('a'`:               nil,
	} {
		got, err := parseFilter(filter)
		if want == nil {
			if err == nil {
				t.Errorf("%s was read as %v", filter, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		} else if d := cmp.Diff(want, got[0].values); d != "" {
			t.Errorf("%s: %s", filter, d)
		}
	}
}

func TestFaultsHappenToTheRequestsTheyAreFor(t *testing.T) {
	f := StartFake(t, SmallFakeWorld(), FakeOptions{})
	var seen []int
	f.Fail(Fault{Endpoint: "runs/get", After: 1, Times: 2, Status: 503, Seen: func(n int) { seen = append(seen, n) }})
	var got []int
	for range 4 {
		got = append(got, ask(t, f.URL, "GET /api/2.0/mlflow/runs/get?run_id="+FakeID(0)).Status)
	}
	got = append(got, ask(t, f.URL, "GET /health").Status)
	if d := cmp.Diff([]int{200, 503, 503, 200, 200}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{1, 2}, seen); d != "" {
		t.Error(d)
	}
	f.Heal()
	f.Fail(Fault{CutShort: true})
	answer, err := http.Get(f.URL + "/api/2.0/mlflow/runs/get?run_id=" + FakeID(0))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(text) == 0 {
		t.Errorf("%d bytes, %v: want half an answer", len(text), err)
	}
	if n := f.Count("runs/get"); n != 5 {
		t.Errorf("%d requests counted, want 5", n)
	}
}

func TestAFakeWorldChangesBetweenRequests(t *testing.T) {
	f := StartFake(t, SmallFakeWorld(), FakeOptions{})
	f.Change(func(w *FakeWorld) { w.Model("wine").Name = "beer" })
	if got := ask(t, f.URL, "GET /api/2.0/mlflow/registered-models/get?name=beer"); got.Status != 200 {
		t.Error(got)
	}
}
