package mlflowtest

import "fmt"

// manners are what versions of MLflow do differently, each seen on a real
// server (1.30.1, 2.9.2, 2.22.1, 3.4.0, 3.8.1, 3.17.2) with a database.
type manners struct {
	number        string // of the version
	namesIn       bool   // `name IN (...)`, `experiment_id IN (...)`; else refused with 400,
	namesIgnored  bool   // or, for names, passed over: 200 with all rows
	versionPages  bool   // model-versions/search knows numbers, max_results, order_by and pages
	runsIn        bool   // `run_id IN (...)` in runs/search
	fullPageToken bool   // runs/search gives a full last page a token; the next page is empty
	maxLine       int    // bytes of a request line; 0: no limit
	missingFile   int    // status of an artifact that is not there
	loggedModels  bool   // the endpoints, and runs with `outputs`
	searchOutputs bool   // runs/search shows `outputs`
	graphQL       bool   // POST /graphql
	version       bool   // GET /version
	bulkHistory   bool   // metrics/get-history-bulk
	aliases       bool
	datasets      bool // runs have `inputs`
	workspaces    bool // experiments show one; errors have a sqlstate
	badExperiment int  // status of an experiment id that is no number

	ignoresLists bool // every list of `IN` is passed over; no MLflow does that to all
}

// mannersOf reads what a version does off its number.
func mannersOf(version string) manners {
	n := func(least int) bool { return minorOf(version) >= least }
	m := manners{
		number:        version,
		namesIn:       n(317),
		namesIgnored:  !n(200),
		versionPages:  n(200),
		runsIn:        n(200),
		fullPageToken: !n(317),
		missingFile:   500,
		loggedModels:  n(300),
		searchOutputs: n(308),
		graphQL:       n(222),
		version:       n(200),
		bulkHistory:   n(200),
		aliases:       n(203),
		datasets:      n(204),
		workspaces:    n(317),
		badExperiment: 404,
	}
	if !n(300) {
		m.maxLine = 4094
	} else {
		m.badExperiment = 500
	}
	if n(317) {
		m.missingFile, m.badExperiment = 404, 400
	}
	return m
}

// minorOf turns 3.8.1 into 308.
func minorOf(version string) int {
	var major, minor int
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); n != 2 {
		panic(fmt.Sprintf("mlflowtest: no version of MLflow: %q (%v)", version, err))
	}
	return major*100 + minor
}
