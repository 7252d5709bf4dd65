package mlflow

import "testing"

func TestPagesOfTheWebInterfaceNameWhatTheyShow(t *testing.T) {
	version := Ref{Kind: VersionRef, Model: "fraud", Version: 7}
	for address, want := range map[string]Page{
		"https://host/#/models/fraud/versions/7":           {Server: "https://host", Ref: version},
		"https://host/x/#/models/fraud/versions/7?a=b":     {Server: "https://host/x", Ref: version},
		"http://h:5000#/models/a%20b%23/versions/1":        {Server: "http://h:5000", Ref: Ref{Kind: VersionRef, Model: "a b#", Version: 1}},
		"https://host/#/models/fraud":                      {Server: "https://host", Model: "fraud"},
		"https://host/#/experiments/3/runs/0123ab":         {Server: "https://host", RunID: "0123ab"},
		"https://host/#/experiments/3/runs/0123ab/metrics": {Server: "https://host", RunID: "0123ab"},
		"https://host/#/experiments/3/runs/0123ab/artifacts/a/model": {
			Server: "https://host", RunID: "0123ab", Ref: Ref{Kind: RunRef, RunID: "0123ab", Path: "a/model"},
		},
		"https://host/#/experiments/3/models/m-12":             {Server: "https://host", Ref: Ref{Kind: LoggedModelRef, ModelID: "m-12"}},
		"https://host/#/experiments/3":                         {Server: "https://host", ExperimentID: "3"},
		"https://host/#/workspaces/ml/models/fraud/versions/7": {Server: "https://host", Workspace: "ml", Ref: version},
	} {
		if got, ok := ParsePage(address); !ok || got != want {
			t.Errorf("%s: %+v, %v", address, got, ok)
		}
	}
	for _, address := range []string{
		"https://host", "https://host/#", "https://host/#/", "models:/a#/models/b", "https://host/#/models/fraud/versions/x",
		"https://host/#/models/%zz", "https://host/#/experiments/..%2f", "/home/#/models/a",
	} {
		if got, ok := ParsePage(address); ok {
			t.Errorf("%s: %+v", address, got)
		}
	}
}
