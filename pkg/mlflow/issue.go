package mlflow

import (
	"cmp"
	"fmt"
	"slices"
)

// A Code names a kind of gap; the list is part of the format of reports.
type Code string

// The codes of issues. The comment says what fills the sentence.
const (
	ModelNotFound       Code = "model-not-found"        // model
	VersionNotFound     Code = "version-not-found"      // model, version
	AliasNotFound       Code = "alias-not-found"        // model, alias
	StageNotFound       Code = "stage-not-found"        // model, stage
	RunNotFound         Code = "run-not-found"          // run id
	RunDeleted          Code = "run-deleted"            // run id
	ExperimentNotFound  Code = "experiment-not-found"   // experiment id
	ExperimentDeleted   Code = "experiment-deleted"     // experiment id
	LoggedModelNotFound Code = "logged-model-not-found" // model id
	NoRun               Code = "no-run"                 // URI
	ArtifactMissing     Code = "artifact-missing"       // location
	ArtifactUnsupported Code = "artifact-unsupported"   // location
	ArtifactOutside     Code = "artifact-outside"       // location
	MLmodelEmpty        Code = "mlmodel-empty"          // location
	MLmodelNotYAML      Code = "mlmodel-not-yaml"       // location
	MLmodelNotMapping   Code = "mlmodel-not-a-mapping"  // location
	MLmodelTooLarge     Code = "mlmodel-too-large"      // location
	TooLarge            Code = "too-large"              // object
	Denied              Code = "denied"                 // object
	Unavailable         Code = "unavailable"            // object
	LineageBroken       Code = "lineage-broken"         // what, one id, what, other id
	Relocated           Code = "relocated"              // location
	EmptySelection      Code = "empty-selection"        // selector
	SelectionUnstable   Code = "selection-unstable"     // selector
	SelectionShrunk     Code = "selection-shrunk"       // selector, how many, how many before
	FilterRefused       Code = "filter-refused"         // selector
	NotShown            Code = "not-shown"              // object
)

// Codes lists all codes.
func Codes() []Code {
	return []Code{
		ModelNotFound, VersionNotFound, AliasNotFound, StageNotFound, RunNotFound, RunDeleted, ExperimentNotFound, ExperimentDeleted,
		LoggedModelNotFound, NoRun, ArtifactMissing, ArtifactUnsupported, ArtifactOutside, MLmodelEmpty, MLmodelNotYAML, MLmodelNotMapping,
		MLmodelTooLarge, TooLarge, Denied, Unavailable, LineageBroken, Relocated, EmptySelection, SelectionUnstable,
		SelectionShrunk, FilterRefused, NotShown,
	}
}

// A Level says what an issue means for its entry.
type Level string

const (
	Gap  Level = "gap"  // something that should be in the report is not: the entry is `partial`
	Note Level = "note" // all is there, but a reader should know
)

// An Issue is something that could not be read, or that a reader should know.
// Its text is a fixed sentence per code, filled only with names and ids of
// MLflow objects and URIs as MLflow stores them, so that it is the same at
// every door: never a host, a local path, a status or a time.
type Issue struct {
	Section string `json:"section"` // of the report, such as `run`; "entry" for an entry without report
	Code    Code   `json:"code"`
	Level   Level  `json:"level"`
	Message string `json:"message"`
}

// NewIssue fills the sentence of a code; see the constants for what with.
func NewIssue(section string, code Code, fill ...any) Issue {
	return Issue{section, code, code.level(), fmt.Sprintf(code.sentence(), fill...)}
}

// AsNote makes a gap a note: for what is broken but costs the report nothing.
func (i Issue) AsNote() Issue {
	i.Level = Note
	return i
}

func (c Code) level() Level {
	switch c {
	case RunDeleted, ExperimentDeleted, NoRun, NotShown, Relocated:
		return Note
	}
	return Gap
}

func (c Code) sentence() string {
	switch c {
	case ModelNotFound:
		return "there is no registered model %q"
	case VersionNotFound:
		return "registered model %q has no version %v"
	case AliasNotFound:
		return "registered model %q has no alias %q"
	case StageNotFound:
		return "registered model %q has no version in stage %q"
	case RunNotFound:
		return "there is no run %s"
	case RunDeleted:
		return "the training run %s was deleted on the server; its parameters are still shown"
	case ExperimentNotFound:
		return "there is no experiment %s"
	case ExperimentDeleted:
		return "experiment %s was deleted on the server; its tags are still shown"
	case LoggedModelNotFound:
		return "there is no logged model %s"
	case NoRun:
		return "MLflow knows no training run of %s"
	}
	return c.fileSentence()
}

func (c Code) fileSentence() string {
	switch c {
	case ArtifactMissing:
		return "there is no file at %s"
	case ArtifactUnsupported:
		return "%s lies in an artifact store that this entry's host does not serve"
	case ArtifactOutside:
		return "%s lies outside of the store's folder and of every artifact root"
	case MLmodelEmpty:
		return "%s is an empty file"
	case MLmodelNotYAML:
		return "%s is not YAML"
	case MLmodelNotMapping:
		return "%s is YAML, but not a mapping"
	case MLmodelTooLarge:
		return "%s is too large for an MLmodel file"
	case TooLarge:
		return "%s is too large to be read"
	case Denied:
		return "the credentials may not read %s"
	case Unavailable:
		return "%s could not be read this time"
	case LineageBroken:
		return "%s says %s, but %s says %s"
	case Relocated:
		return "%s is not there; its files were found beside the store"
	case EmptySelection:
		return "%s selects nothing"
	case NotShown:
		return "the platform does not show %s"
	case SelectionUnstable:
		return "%s changed each time it was listed"
	case SelectionShrunk:
		return "%s selects %v, and selected %v in the last tree"
	case FilterRefused:
		return "%s has a filter that the store does not understand"
	}
	panic("mlflow: issue code without a sentence: " + string(c))
}

// String is the issue as a sentence for people.
func (i Issue) String() string { return string(i.Code) + ": " + i.Message }

// SortIssues orders issues by section, code and message and drops repeats.
func SortIssues(issues []Issue) []Issue {
	slices.SortFunc(issues, func(a, b Issue) int {
		return cmp.Or(cmp.Compare(a.Section, b.Section), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(issues)
}

// HasGap tells whether one of the issues is a gap.
func HasGap(issues []Issue) bool {
	return slices.ContainsFunc(issues, func(i Issue) bool { return i.Level == Gap })
}
