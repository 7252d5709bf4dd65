package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// inputsFormat is part of all inputs. It counts up when reports, or what rows
// say about them, are made of the same objects in another way.
const inputsFormat = "mlreport-inputs/1"

// inputs stands for all that the reports of a job are made of: options, each
// object as it was read, the SHA256 of the files, and what could not be read.
// What reports do not show is left out, so that it changes no report. buf is
// room to work in.
func (l *lane) inputs(j job, o fetch.Outcome, buf []byte) (inputs string, room []byte) {
	b := o.Bundle
	w := inputsWriter{buf: buf[:0], ordered: l.Compat}
	w.buf = append(w.buf, j.question...)
	w.text(b.URI.String(), b.DownloadURI, b.RunFoundBy)
	for key, v := range b.RegisteredModel.All() {
		if key != "latest_versions" || j.objects { // which reports leave out
			w.text(key)
			w.value(v)
		}
	}
	w.objects(b.ModelVersion.Object, b.LoggedModel.Object, b.Run.Object, b.Experiment.Object)
	w.platform(b)
	for _, c := range b.CopiedFrom {
		w.objects(c.ModelVersion.Object, c.Run.Object, c.Experiment.Object)
	}
	w.text(b.File.URI, b.File.RelocatedFrom, o.Sums.MLmodel, o.Sums.List)
	if r := b.RawModel; r != nil {
		w.text(r.Type, r.LoaderModule)
		w.objects(r.Content, r.FeatureSpec)
	}
	if f := b.Family; f != nil {
		w.objects(f.Parent.Object)
		for _, child := range f.Children {
			w.objects(child.Info())
		}
	}
	if e := b.EnvironmentFiles; e != nil {
		w.text("environment", string(e.Requirements), string(e.Conda), string(e.PythonEnv))
	}
	for _, f := range o.Wanted {
		w.text(f.Path, strconv.FormatInt(f.Bytes, 10))
	}
	for _, key := range slices.Sorted(maps.Keys(b.MetricHistory)) {
		w.text(key)
		for _, p := range b.MetricHistory[key] {
			w.text(strconv.FormatInt(p.Step, 10), strconv.FormatInt(p.Timestamp, 10), strconv.FormatFloat(p.Value, 'g', -1, 64))
		}
	}
	for _, i := range b.Issues {
		w.text(i.Section, string(i.Code), string(i.Level), i.Message)
	}
	sum := sha256.Sum256(w.buf)
	return hex.EncodeToString(sum[:]), w.buf
}

// question is what of a job's inputs is known before anything is read.
func (l *lane) question(ctx context.Context, j job) []byte {
	w := inputsWriter{}
	w.text(inputsFormat, strconv.Itoa(report.Format), fmt.Sprintf("%+v", l.enrichOptions(ctx)))
	w.text(j.options(l.Compat)...)
	w.text(l.owner(j.entries, "by tags"), l.owner(j.entries, ""))
	return w.buf
}

// asking stands for a question and for all that a store in this state may
// answer: when it is the same, so are the objects. "" for a store that cannot
// tell its state.
func (j job) asking(state string) string {
	if state == "" {
		return ""
	}
	w := inputsWriter{buf: slices.Clone(j.question)}
	w.text(j.target.Ref.String(), state)
	sum := sha256.Sum256(w.buf)
	return hex.EncodeToString(sum[:16])
}

// options are those that change what is written. Each stands for itself, and
// what is not asked for is left out, so that a new option changes no inputs.
func (j job) options(compat bool) []string {
	list := []string{}
	for name, on := range map[string]bool{
		"compat": compat, "objects": j.objects, "environment": j.target.Environment, "copy": j.target.Copy != nil, "page": j.page, "lineage": j.target.Lineage,
		"permissions": j.target.Permissions, "serving": j.target.Serving, "table-lineage": j.target.TableLineage,
	} {
		if on {
			list = append(list, name)
		}
	}
	for name, n := range map[string]int{"levels": int(j.levels), "max-level": j.target.MaxLevel, "metric-history": j.target.History} {
		if n != 0 {
			list = append(list, name+"="+strconv.Itoa(n))
		}
	}
	slices.Sort(list)
	return append(list, "")
}

// An inputsWriter puts values one behind the other, so that no two sequences
// of values are the same bytes.
type inputsWriter struct {
	buf     []byte
	ordered bool // lists are as they came: reports for the seed tool show that
}

func (w *inputsWriter) text(list ...string) {
	for _, s := range list {
		w.value(s)
	}
}

func (w *inputsWriter) objects(list ...*mlflow.Object) {
	for _, o := range list {
		w.value(o)
	}
}

// platform is what Databricks knows besides.
func (w *inputsWriter) platform(b *mlflow.Bundle) {
	w.objects(b.Permissions, b.ExperimentPermissions, b.PermittedModel.Object)
	w.value(b.TransitionRequests)
	w.value(b.ServingEndpoints)
	for _, t := range b.TableLineage {
		w.text(t.Table)
		w.objects(t.Lineage)
	}
}

func (w *inputsWriter) value(v any) { w.buf = mlflow.AppendCanonical(w.buf, v, w.ordered) }
