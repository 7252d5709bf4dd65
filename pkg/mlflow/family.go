package mlflow

// ParentTag is the tag by which a run names its parent run.
const ParentTag = "mlflow.parentRunId"

// A Family is the runs around a run, for the lineage of its model.
type Family struct {
	Parent   Run   // that the tag ParentTag names
	Children []Run // by id; of each only `info` counts
}

// ParentID is the id of the run's parent run, or "".
func (r Run) ParentID() string {
	for t := range r.Data().Objects("tags") {
		if t.Text("key") == ParentTag {
			return t.Text("value")
		}
	}
	return r.Data().Object("tags").Text(ParentTag) // enriched
}
