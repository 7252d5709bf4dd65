package sink

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// RunFormat is the member `format` of a run.json.
const RunFormat = "mlreport-run/1"

// A Run is what happened in one batch: the only file of a tree that changes
// every time. It is for people and for monitoring; of it the next batch reads
// only when the tree was last committed and last changed.
type Run struct {
	Mlreport    string   // version of the program
	Command     *Command // nil: not known, or not to be written down
	Started     time.Time
	Ended       time.Time
	Interrupted bool // index.json is that of an earlier batch

	Timestamp  time.Time // of the reports of the batch that index.json is of
	LastChange time.Time // Timestamp of the last batch that changed index.json; Commit sets it

	Entries map[report.Status]int // rows of index.json by status
	Reports map[Change]int        // reports by what became of them
	Known   map[mlflow.Code]int   // entries with an issue that the manifest calls known
	Hosts   []RunHost
	Failed  []RunFailure // at most as many as the caller thinks useful
}

// A Command is what was typed for a batch, as far as its reports depend on it.
type Command struct {
	Dir  string // where: relative to the tree, with slashes, or absolute
	Args []string
}

// ReadCommand reads which command made the tree of a run.json; false when it
// does not say.
func ReadCommand(runFile []byte) (Command, bool) {
	o, err := mlflow.DecodeJSON(runFile)
	if err != nil || o.Text("format") != RunFormat {
		return Command{}, false
	}
	made := o.Object("command")
	if made == nil || !made.Has("args") {
		return Command{}, false
	}
	c := Command{Dir: made.Text("dir")}
	for _, a := range made.List("args") {
		text, ok := a.(string)
		if !ok {
			return Command{}, false
		}
		c.Args = append(c.Args, text)
	}
	return c, true
}

// lastRun is what the run.json of the last batch says that later ones need.
// One that is missing or damaged says nothing.
type lastRun struct{ timestamp, lastChange time.Time }

func (t *Tree) readLastRun() error {
	data, err := t.top.read(runName)
	if err != nil {
		return err
	}
	o, err := mlflow.DecodeJSON(data)
	if err != nil || o.Text("format") != RunFormat {
		return nil
	}
	t.last.timestamp, _ = time.Parse(time.RFC3339, o.Text("timestamp"))
	t.last.lastChange, _ = time.Parse(time.RFC3339, o.Text("last_change"))
	return nil
}

// LastCommit is the Timestamp of the batch that index.json is of; zero when
// that is not known.
func (t *Tree) LastCommit() time.Time { return t.last.timestamp }

// LastChange tells, after Commit, since when index.json is as it is; changed
// says that it is since this batch.
func (t *Tree) LastChange() (since time.Time, changed bool) { return t.last.lastChange, t.changed }

// RunHost is what one host of the manifest had to do.
type RunHost struct {
	Name     string
	Requests int64 // retries included
	Retries  int64
	Bytes    int64 // read from it
	Error    string
}

// RunFailure is why something could not be had, in the words of the store or
// the system: with addresses, statuses and paths, without secrets.
type RunFailure struct {
	URI   string
	Host  string
	Error string
}

// encode writes run.json. `duration` is in seconds; `requests` and `retries`
// are the sums over the hosts.
func (r Run) encode() []byte {
	var requests, retries int64
	hosts := &mlflow.Object{}
	for _, h := range slices.SortedFunc(slices.Values(r.Hosts), func(a, b RunHost) int { return cmp.Compare(a.Name, b.Name) }) {
		requests += h.Requests
		retries += h.Retries
		hosts.Set(h.Name, h.object())
	}
	o := mlflow.NewObject(
		mlflow.Member{Key: "format", Value: RunFormat},
		mlflow.Member{Key: "mlreport", Value: r.Mlreport},
		mlflow.Member{Key: "started", Value: r.Started.UTC().Format(time.RFC3339)},
		mlflow.Member{Key: "ended", Value: r.Ended.UTC().Format(time.RFC3339)},
		mlflow.Member{Key: "duration", Value: mlflow.Number(strconv.FormatFloat(r.Ended.Sub(r.Started).Seconds(), 'f', 3, 64))},
		mlflow.Member{Key: "interrupted", Value: r.Interrupted},
		mlflow.Member{Key: "entries", Value: counts(r.Entries)},
		mlflow.Member{Key: "reports", Value: counts(r.Reports)},
		mlflow.Member{Key: "requests", Value: mlflow.Integer(requests)},
		mlflow.Member{Key: "retries", Value: mlflow.Integer(retries)},
		mlflow.Member{Key: "hosts", Value: hosts})
	if r.Command != nil {
		o.SetAfter("mlreport", "command", mlflow.NewObject(mlflow.Member{Key: "dir", Value: r.Command.Dir}, mlflow.Member{Key: "args", Value: mlflow.Texts(r.Command.Args)}))
	}
	if !r.Timestamp.IsZero() {
		o.SetAfter("interrupted", "timestamp", r.Timestamp.UTC().Format(time.RFC3339))
	}
	if !r.LastChange.IsZero() {
		o.SetAfter("timestamp", "last_change", r.LastChange.UTC().Format(time.RFC3339))
	}
	if len(r.Known) > 0 {
		o.SetAfter("reports", "known_issues", counts(r.Known))
	}
	if len(r.Failed) > 0 {
		o.Append("failed", failures(r.Failed))
	}
	return mlflow.EncodeReport(o)
}

func (h RunHost) object() *mlflow.Object {
	o := mlflow.NewObject(
		mlflow.Member{Key: "requests", Value: mlflow.Integer(h.Requests)},
		mlflow.Member{Key: "retries", Value: mlflow.Integer(h.Retries)},
		mlflow.Member{Key: "bytes", Value: mlflow.Integer(h.Bytes)})
	if h.Error != "" {
		o.Append("error", h.Error)
	}
	return o
}

func failures(list []RunFailure) []any {
	return mlflow.List(list, func(f RunFailure) any {
		return mlflow.NewObject(
			mlflow.Member{Key: "uri", Value: f.URI},
			mlflow.Member{Key: "host", Value: f.Host},
			mlflow.Member{Key: "error", Value: f.Error})
	})
}

// counts writes numbers by name, by name.
func counts[K ~string](m map[K]int) *mlflow.Object {
	o := &mlflow.Object{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		o.Append(string(k), mlflow.Integer(int64(m[k])))
	}
	return o
}
