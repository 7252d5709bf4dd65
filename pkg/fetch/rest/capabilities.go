package rest

import (
	"log/slog"
	"sync/atomic"
)

// An ability is something that not every version of MLflow can do. It is not
// read off the server's version but learnt from its answers, because there are
// proxies, forks and servers that hide their version. The zero value is
// unknown.
type ability struct{ state atomic.Int32 }

const (
	able   = 1
	unable = 2
)

func (a *ability) known() bool { return a.state.Load() != 0 }
func (a *ability) yes() bool   { return a.state.Load() == able }
func (a *ability) no() bool    { return a.state.Load() == unable }

// proved notes that it worked.
func (a *ability) proved() { a.state.CompareAndSwap(0, able) }

// refused notes that it did not work. What has worked before is kept: then it
// was something about that one question.
func (a *ability) refused() bool { return a.state.CompareAndSwap(0, unable) }

// lacking notes that it certainly does not work. It tells whether that is new.
func (a *ability) lacking() bool { return a.state.Swap(unable) != unable }

// abilities are what a Reader has learnt about its server. In brackets: the
// versions of MLflow that have it.
type abilities struct {
	modelsIn      ability // `name IN (...)` in registered-models/search [3.17; 2.9 to 3.8 refuse it, 1.30 ignores it]
	versionsIn    ability // `name IN (...)` in model-versions/search [as modelsIn]
	versionRange  ability // `version_number >= 1` in model-versions/search [2.0]
	versionsNamed ability // `name = 'x'` in model-versions/search [all]
	runsIn        ability // `run_id IN (...)` in runs/search [2.0]
	runOutputs    ability // runs have `outputs` [3.0]
	experimentsIn ability // `experiment_id IN (...)` in experiments/search [as modelsIn]
	loggedModels  ability // logged models at all [3.0]
	loggedIn      ability // `model_id IN (...)` in logged-models/search [3.0]
	historyBulk   ability // one metric of many runs [2.0]
	graphQL       ability // POST /graphql with a run's outputs [3.0]
}

// without notes, once, that the server lacks something.
func without(log *slog.Logger, isNew bool, what string, err error) {
	if isNew {
		log.Debug("the server cannot do this; it is asked another way from now on", "what", what, "answer", err)
	}
}
