package fetch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestWhatTheRegisteredModelHasInsteadIsTheHint(t *testing.T) {
	w := world()
	for uri, want := range map[string]string{
		"models:/A@nobody":         "its aliases are challenger (version 3), champion (version 2): write models:/A@challenger",
		"models:/fraud@nobody":     "its only alias is champion (version 1): write models:/fraud@champion",
		"models:/B@nobody":         "it has no aliases: write models:/B/latest",
		"models:/A/Staging":        "its stages are Archived, Production: write models:/A/Archived",
		"models:/fraud/Production": "its only stage is Staging: write models:/fraud/Staging",
		"models:/fraud_eu/Staging": "it has no stages: write models:/fraud_eu/latest",
		"models:/B/latest":         "",
	} {
		for s, err := range (&fetch.Fetcher{Source: w, Artifacts: w}).Select(context.Background(), wants(t, uri)) {
			if err != nil || s.Failed == nil {
				t.Fatal(uri, err)
			}
			if s.Err.Error() != s.Failed.Message || mlflow.Hint(s.Err) != want || !errors.Is(s.Err, mlflow.ErrNotFound) {
				t.Errorf("%s: %v (%s), want %s", uri, s.Err, mlflow.Hint(s.Err), want)
			}
		}
	}
}
