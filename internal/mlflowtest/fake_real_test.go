//go:build unix

package mlflowtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheFakeAnswersLikeMLflow(t *testing.T) {
	for _, version := range []string{MLflow2, MLflow3} {
		t.Run(version, func(t *testing.T) {
			server := StartServer(t, ServerOptions{Version: version})
			fake := StartFake(t, &FakeWorld{Experiments: []FakeExperiment{{ID: "0", Name: "Default"}}}, FakeOptions{Version: version})
			for _, question := range questions() {
				if d := cmp.Diff(ask(t, server.URL, question), ask(t, fake.URL, question)); d != "" {
					t.Errorf("%.120s: -MLflow +fake\n%s", question, d)
				}
			}
		})
	}
}
