package mlflow

// A Bundle is all that was read about one model, as MLflow shows it, and what
// could not be read. An object that is not there has a nil Object; then Issues
// says why, unless MLflow has none of that kind.
//
// Objects may be shared between bundles (two versions of one model): nobody
// changes them in place.
type Bundle struct {
	URI Ref // what the entry resolved to: a version, a logged model, a run's model, a location

	RegisteredModel RegisteredModel
	ModelVersion    ModelVersion // with its aliases
	DownloadURI     string       // of the version, as `get-download-uri` answers; "" without a version
	LoggedModel     LoggedModel
	Run             Run
	RunFoundBy      string // which object named the run: `model_version`, `logged_model` or `mlflow_model`; "" when the entry did
	Experiment      Experiment
	CopiedFrom      []Copied // the chain of `source: models:/name/version`, nearest first

	File     ModelFile
	Files    *FileList // the files of the model, when they were asked for
	RawModel *RawModel // of a feature-store model

	EnvironmentFiles *EnvironmentFiles // nil when they were not asked for
	Environment      *Object           // what is in them; made by pkg/enrich

	// KeptFiles are those that lie beside the report, by path; nil when none
	// were asked for.
	KeptFiles []KeptFile

	MetricHistory History // of the run; nil when it was not asked for or could not be read

	Family *Family // of the run; nil when the lineage was not asked for

	Permissions           *Object // on the registered model; nil when they were not asked for
	ExperimentPermissions *Object // the same of the experiment

	// PermittedModel is RegisteredModel as a platform shows it to those who ask
	// for permissions; nil: as it is.
	PermittedModel RegisteredModel

	TransitionRequests []any // of the version, to change its stage; nil where stores know none
	ServingEndpoints   []any // that serve the version; nil when they were not asked for
	TableLineage       []TableLineage
	Issues             []Issue
}

// A TableLineage is what a table of the training data was made of, and what is
// made of it.
type TableLineage struct {
	Table   string // catalog.schema.table
	Lineage *Object
}

// TextSize is about how many bytes of memory the text of its objects takes.
func (b *Bundle) TextSize() int {
	n := b.RegisteredModel.TextSize() + b.ModelVersion.TextSize() + b.LoggedModel.TextSize() + b.Run.TextSize() + b.Experiment.TextSize() + b.File.Content.TextSize()
	for _, c := range b.CopiedFrom {
		n += c.ModelVersion.TextSize()
	}
	return n
}

// Copied is a version that another was copied from.
type Copied struct {
	ModelVersion ModelVersion // with its aliases
	Run          Run
	Experiment   Experiment // of the run, whose name it shows
}

// A ModelFile is an MLmodel file.
type ModelFile struct {
	URI           string  // of the model's folder as MLflow stores it; "" when there is none
	Data          []byte  // byte for byte; nil when it could not be read
	Content       *Object // nil when Data is not a YAML mapping
	RelocatedFrom string  // the location that was not there, when the file was found elsewhere
}

// A FileList is what lies below an artifact folder.
type FileList struct {
	Files    []FileInfo // by path, folders included
	MaxLevel int        // how deep was looked; -1: all the way
}

// A FileInfo is one file or folder below an artifact folder.
type FileInfo struct {
	Path  string // below the listed root, with slashes
	Dir   bool
	Bytes int64 // 0 for folders
}

// EnvironmentFiles lie beside a model's MLmodel and say what it needs to run.
// Those that are not there, or that need not be read, are nil.
type EnvironmentFiles struct {
	Requirements []byte // requirements.txt
	Conda        []byte // conda.yaml; read when something lacks elsewhere
	PythonEnv    []byte // python_env.yaml; read when MLmodel names no version of Python
}

// A KeptFile is a file of a model or of its run that is wanted beside the
// report.
type KeptFile struct {
	Path    string // `model/` and the path below the model's folder, or `run/` and the path among its artifacts
	Place   string // where the copy lies, below the report's folder; "" without a copy
	Bytes   int64
	SHA256  string // of the copy, 64 lower-case hex digits
	LeftOut LeftOut
}

// LeftOut says why there is no copy of a file that can be read.
type LeftOut string

// The reasons.
const (
	TooLargeFile LeftOut = "too-large"  // it is larger than a copy may be
	OverTotal    LeftOut = "over-total" // with it, all copies of the model would be
)

// A RawModel is the model inside a Databricks feature-store model.
type RawModel struct {
	Type         string  // `feature_store` or `unknown`
	LoaderModule string  // of an `unknown` one
	Content      *Object // the inner MLmodel
	FeatureSpec  *Object
}

// AddIssue notes an issue.
func (b *Bundle) AddIssue(i Issue) { b.Issues = append(b.Issues, i) }
