// Package databricks reads Databricks workspaces: their MLflow tracking
// server, the workspace's own model registry or Unity Catalog, the files of
// both, and what the platform knows besides (permissions, requests to change a
// stage, serving endpoints, the lineage of tables).
//
// HTTP, retries and limits are those of package rest. Of Databricks' SDK only
// the unified authentication is used; objects stay as the API shows them. Calls
// and fields follow MLflow's Python client and https://docs.databricks.com/api.
//
// Credentials of the workspace go to the workspace, and where its own login
// sends them, and nowhere else. Files may lie in cloud storage: then a URL
// that the workspace signed, or credentials that it lends for this one model,
// are used, without ours. A registry is Unity Catalog because its URI says so,
// never because of a dot in a name.
package databricks
