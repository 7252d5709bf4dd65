package fetch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// maxInstead is how many aliases a hint lists.
const maxInstead = 10

// Unresolved is for a ref for which Resolve found nothing: the issue for a
// report, and the same for people, with what the model has instead as hint.
func Unresolved(ref mlflow.Ref, m mlflow.RegisteredModel) (mlflow.Issue, error) {
	var issue mlflow.Issue
	hint := ""
	switch ref.Kind {
	case mlflow.AliasRef:
		issue = mlflow.NewIssue("entry", mlflow.AliasNotFound, ref.Model, ref.Alias)
		hint = instead("alias", "aliases", aliasesOf(m)) + ": write " + likeliest(ref, m).String()
		other := mlflow.Ref{Kind: mlflow.StageRef, Model: ref.Model, Stage: ref.Alias}
		if v, ok := Resolve(other, m); ok {
			hint = fmt.Sprintf("%q is a stage, that of version %d: write %s", ref.Alias, v, other)
		}
	case mlflow.StageRef:
		issue = mlflow.NewIssue("entry", mlflow.StageNotFound, ref.Model, ref.Stage)
		hint = instead("stage", "stages", stagesOf(m)) + ": write " + likeliest(ref, m).String()
		other := mlflow.Ref{Kind: mlflow.AliasRef, Model: ref.Model, Alias: ref.Stage}
		if v, ok := Resolve(other, m); ok {
			hint = fmt.Sprintf("%q is an alias, that of version %d: write %s", ref.Stage, v, other)
		}
	default:
		issue = mlflow.NewIssue("entry", mlflow.VersionNotFound, ref.Model, "at all")
	}
	return issue, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "%s", issue.Message), Hint: hint}
}

// likeliest is the ref that was meant: to the alias or stage that begins most
// like the one that is not there, to the newest version where there is none.
func likeliest(ref mlflow.Ref, m mlflow.RegisteredModel) mlflow.Ref {
	best, most, first := mlflow.Ref{Kind: mlflow.LatestRef, Model: ref.Model}, -1, ""
	try := func(name, asked string, other mlflow.Ref) {
		n := 0
		for n < min(len(name), len(asked)) && name[n] == asked[n] {
			n++
		}
		if n > most || n == most && name < first {
			best, most, first = other, n, name
		}
	}
	if ref.Kind == mlflow.StageRef {
		for _, stage := range stagesOf(m) {
			try(stage, ref.Stage, mlflow.Ref{Kind: mlflow.StageRef, Model: ref.Model, Stage: stage})
		}
		return best
	}
	for alias := range m.Aliases() {
		try(alias, ref.Alias, mlflow.Ref{Kind: mlflow.AliasRef, Model: ref.Model, Alias: alias})
	}
	return best
}

// InsteadOfVersion says which version a registered model has when it has not
// the one that was asked for.
func InsteadOfVersion(m mlflow.RegisteredModel) string {
	latest := mlflow.Ref{Kind: mlflow.LatestRef, Model: m.Name()}
	highest, ok := Resolve(latest, m)
	if !ok {
		return "it has no versions"
	}
	return fmt.Sprintf("its highest version is %d: write %s", highest, latest)
}

func instead(one, many string, have []string) string {
	switch len(have) {
	case 0:
		return "it has no " + many
	case 1:
		return "its only " + one + " is " + have[0]
	}
	list := have[:min(len(have), maxInstead)]
	hint := "its " + many + " are " + strings.Join(list, ", ")
	if more := len(have) - len(list); more > 0 {
		hint += fmt.Sprintf(" and %d more", more)
	}
	return hint
}

func aliasesOf(m mlflow.RegisteredModel) []string {
	var list []string
	for alias, version := range m.Aliases() {
		list = append(list, fmt.Sprintf("%s (version %d)", alias, version))
	}
	slices.Sort(list)
	return list
}

// stagesOf lists the stages in which versions are; None is none.
func stagesOf(m mlflow.RegisteredModel) []string {
	var list []string
	for v := range m.LatestVersions() {
		if stage := v.Stage(); stage != "" && stage != "None" && !slices.Contains(list, stage) {
			list = append(list, stage)
		}
	}
	return list
}
