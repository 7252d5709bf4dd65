package main

import (
	"fmt"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// fromTree reads the reports of a finished tree.
func (c *showCmd) fromTree() (docs []*mlflow.Object, more int, err error) {
	rows, models, err := c.rows()
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 0 {
		hint := "mlreport run writes it"
		if len(models) > 0 {
			hint = nearest(c.Model, models)
		}
		return nil, 0, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there is no report of %s in %s", c.Model, c.Tree), Hint: hint}
	}
	if c.Last > 0 && len(rows) > c.Last {
		more = len(rows) - c.Last
		rows = rows[more:]
	}
	reports := treeReports{dir: c.Tree}
	defer reports.close()
	for _, r := range rows {
		doc, err := reports.of(r)
		if err != nil {
			return nil, 0, err
		}
		docs = append(docs, doc)
	}
	return docs, more, nil
}

// rows are those of a tree that the model names, by URI or as all versions of
// a name; models are the names that there are.
func (c *showCmd) rows() (rows []report.Row, models []string, err error) {
	index, done, err := treeIndex(c.Tree)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	uri := c.Model
	if ref, ok, err := c.ref(); err == nil && ok {
		uri = ref.String()
	}
	for row, err := range index.All() {
		if err != nil {
			return nil, nil, fmt.Errorf("reading index.json of %s: %w", c.Tree, err)
		}
		if row.Model != "" && !slices.Contains(models, row.Model) {
			models = append(models, row.Model)
		}
		if row.Place != "" && (row.Model == c.Model || row.URI == uri || slices.Contains(row.URIs, uri)) {
			rows = append(rows, row)
		}
	}
	return rows, models, nil
}
