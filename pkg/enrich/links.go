package enrich

import (
	"net/url"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// addLinks adds `_web_ui_link` and `_api_link`, when there is a base for them.
// page is a route of MLflow's user interface; resource is relative to the API.
func (o Options) addLinks(to *mlflow.Object, page, resource string) {
	if o.UI == "" {
		return
	}
	to.Set("_web_ui_link", o.UI+o.route(page))
	to.Set("_api_link", o.UI+"/api/2.0/mlflow/"+resource)
}

// route is a page behind the base. MLflow has its pages behind `#`, as
// Databricks has those of its own registry; of experiments and what is in them
// Databricks has other addresses now than the seed tool knew.
func (o Options) route(page string) string {
	switch {
	case o.Databricks && o.Compat:
		return "#mlflow" + page
	case o.Databricks && strings.HasPrefix(page, "/models/"):
		return o.org() + "#mlflow" + page
	case o.Databricks:
		return "/ml" + page + o.org()
	case o.Compat:
		return "#" + page + o.workspace()
	}
	return "/#" + page + o.workspace()
}

// org names the workspace of Databricks in a link, for people who have several
// behind one address.
func (o Options) org() string {
	if o.WorkspaceID == "" || o.WorkspaceID == "0" || o.Compat {
		return ""
	}
	return "?o=" + query(o.WorkspaceID)
}

// workspace is what the user interface needs behind a route of another
// workspace than the default one.
func (o Options) workspace() string {
	if o.Workspace == "" || o.Workspace == "default" {
		return ""
	}
	return "?workspace=" + query(o.Workspace)
}

// addRegistryLinks is addLinks for a registered model, or for one version of
// it when version is not "".
func (o Options) addRegistryLinks(to *mlflow.Object, name, version string) {
	page, resource := "/models/"+segment(name), "registered-models/get?name="+query(name)
	if version != "" {
		page += "/versions/" + segment(version)
		resource = "model-versions/get?name=" + query(name) + "&version=" + query(version)
	}
	if !o.UnityCatalog {
		o.addLinks(to, page, resource)
		return
	}
	if o.UI == "" {
		return
	}
	page = "/explore/data/models"
	for part := range strings.SplitSeq(name, ".") {
		page += "/" + segment(part)
	}
	if version != "" {
		page += "/version/" + segment(version)
	}
	to.Set("_web_ui_link", o.UI+page+o.org())
	to.Set("_api_link", o.UI+"/api/2.0/mlflow/unity-catalog/"+resource)
}

func runPage(experimentID, runID string) string {
	return experimentPage(experimentID) + "/runs/" + segment(runID)
}

func experimentPage(id string) string { return "/experiments/" + segment(id) }

// query encodes a value in a query string.
func query(s string) string { return url.QueryEscape(s) }

// segment encodes all of a name that is not a letter, a digit or one of `-_.~`.
func segment(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
