package enrich

import (
	"net/url"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// addLinks adds `_web_ui_link` and `_api_link`, when there is a base for them.
// page is a route of MLflow's user interface, which lies behind `#`; resource
// is relative to the API.
func (o Options) addLinks(to *mlflow.Object, page, resource string) {
	if o.UI == "" {
		return
	}
	router := "/#"
	switch {
	case o.Databricks:
		router = "#mlflow"
	case o.Compat:
		router = "#"
	}
	to.Set("_web_ui_link", o.UI+router+page+o.workspace())
	to.Set("_api_link", o.UI+"/api/2.0/mlflow/"+resource)
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
	if !o.unityCatalog(name) {
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
	to.Set("_web_ui_link", o.UI+page)
	to.Set("_api_link", o.UI+"/api/2.0/mlflow/unity-catalog/"+resource)
}

// unityCatalog tells whether a registered model lives in Unity Catalog, where
// names have dots. In open-source MLflow a dot means nothing.
func (o Options) unityCatalog(name string) bool {
	return o.Databricks && strings.Contains(name, ".")
}

func runPage(experimentID, runID string) string {
	return experimentPage(experimentID) + "/runs/" + segment(runID)
}

func experimentPage(id string) string { return "/experiments/" + segment(id) }

// query encodes a value in a query string.
func query(s string) string { return url.QueryEscape(s) }

// segment encodes all of a name that is not a letter, a digit or one of `-_.~`.
func segment(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
