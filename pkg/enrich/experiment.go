package enrich

import "github.com/mlreport/mlreport/pkg/mlflow"

// Experiment enriches what `experiments/get` shows below `experiment`.
func Experiment(e mlflow.Experiment, o Options) mlflow.Experiment {
	if e.Object == nil {
		return e
	}
	out := e.Object.Shallow()
	if o.Compat {
		tagsToEnd(out)
	} else {
		tagsInPlace(out)
	}
	addTimes(out, "creation_time", "last_update_time")
	if o.TrackingURI != "" {
		out.Set("_tracking_uri", o.TrackingURI)
	}
	o.addLinks(out, experimentPage(e.ID()), "experiments/get?experiment_id="+query(e.ID()))
	if o.Compat {
		out = explodeAll(out)
	}
	return mlflow.Experiment{Object: out}
}
