package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Sheet shows facts about models: a column for each model, a row for each
// fact.
type Sheet struct {
	Models   []Model
	Sections []Section
}

// A Model is the heading of a column.
type Model struct {
	URI     string   // such as `models:/fraud/7`
	Title   string   // such as `7`; the URI when the sheet shows one model
	Aliases []string // of the version
}

// A Section is facts of one kind, such as `params`.
type Section struct {
	Title string
	Rows  []Row
}

// A Row is one fact of each model.
type Row struct {
	Name   string
	Values []Value
}

// A Value is what a model has there; the zero Value: nothing.
type Value struct {
	Text string
	Set  bool
}

func (v Value) String() string {
	switch {
	case !v.Set:
		return "-"
	case v.Text == "":
		return `""`
	}
	return v.Text
}

// Differs tells whether not all models have the same there.
func (r Row) Differs() bool {
	return slices.ContainsFunc(r.Values, func(v Value) bool { return v != r.Values[0] })
}

// Compare puts reports side by side, in the order in which they are given.
func Compare(docs []*mlflow.Object) Sheet {
	s := Sheet{}
	for i, doc := range docs {
		s.Models = append(s.Models, modelOf(doc))
		for _, section := range facts(doc) {
			for _, f := range section.facts {
				s.put(section.title, f.name, i, len(docs), f.value)
			}
		}
	}
	sections := order()
	if len(docs) > 1 { // what tells versions apart comes first; the heading names them
		sections = append(slices.DeleteFunc(sections, func(t string) bool { return t == aboutModel }), aboutModel)
		s.drop(aboutModel, "registered model", "version", "aliases", "link")
		s.drop(notes, string(mlflow.Relocated)) // says where files are, and so something else of each
	}
	slices.SortStableFunc(s.Sections, func(a, b Section) int { return slices.Index(sections, a.Title) - slices.Index(sections, b.Title) })
	for _, section := range s.Sections {
		if isMap(section.Title) {
			slices.SortStableFunc(section.Rows, func(a, b Row) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	if len(docs) == 1 {
		s.Models[0].Title = s.Models[0].URI
	}
	return s
}

// put notes a fact of the i-th of n models. Facts of one name, such as two
// data sets, have a row each.
func (s *Sheet) put(title, name string, i, n int, text string) {
	at := slices.IndexFunc(s.Sections, func(x Section) bool { return x.Title == title })
	if at < 0 {
		at = len(s.Sections)
		s.Sections = append(s.Sections, Section{Title: title})
	}
	section := &s.Sections[at]
	row := slices.IndexFunc(section.Rows, func(r Row) bool { return r.Name == name && !r.Values[i].Set })
	if row < 0 {
		row = len(section.Rows)
		section.Rows = append(section.Rows, Row{Name: name, Values: make([]Value, n)})
	}
	section.Rows[row].Values[i] = Value{Text: text, Set: true}
}

// drop leaves out facts of a section.
func (s *Sheet) drop(title string, names ...string) {
	for i := range s.Sections {
		if x := &s.Sections[i]; x.Title == title {
			x.Rows = slices.DeleteFunc(x.Rows, func(r Row) bool { return slices.Contains(names, r.Name) })
		}
	}
	s.Sections = slices.DeleteFunc(s.Sections, func(x Section) bool { return len(x.Rows) == 0 })
}

func modelOf(doc *mlflow.Object) Model {
	m := Model{URI: doc.Object("manifest").Text("model_uri")}
	v := doc.Object("model_version")
	m.Title = v.Text("version")
	if m.Title == "" {
		m.Title = m.URI
	}
	for _, a := range v.List("aliases") {
		if text, ok := a.(string); ok {
			m.Aliases = append(m.Aliases, text)
		}
	}
	return m
}

// heading is a column's: its title, with the aliases.
func (m Model) heading() string {
	if len(m.Aliases) == 0 {
		return m.Title
	}
	return m.Title + " @" + strings.Join(m.Aliases, " @")
}

// Only keeps the rows that differ, when differs is true, or those that do not.
func (s Sheet) Only(differs bool) Sheet {
	out := Sheet{Models: s.Models}
	for _, section := range s.Sections {
		rows := slices.DeleteFunc(slices.Clone(section.Rows), func(r Row) bool { return r.Differs() != differs })
		if len(rows) > 0 {
			out.Sections = append(out.Sections, Section{section.Title, rows})
		}
	}
	return out
}

// Rows counts the rows of all sections.
func (s Sheet) Rows() int {
	n := 0
	for _, section := range s.Sections {
		n += len(section.Rows)
	}
	return n
}

// Table is the sheet with the section as its first column.
func (s Sheet) Table() Table {
	t := Table{Columns: []string{"SECTION", "FACT"}}
	for _, m := range s.Models {
		t.Columns = append(t.Columns, m.heading())
	}
	for _, section := range s.Sections {
		for _, r := range section.Rows {
			cells := []string{section.Title, r.Name}
			for _, v := range r.Values {
				cells = append(cells, v.Text)
			}
			t.Rows = append(t.Rows, cells)
		}
	}
	return t
}

// JSON is the sheet as one object: `models`, then each section as an object
// of facts; with several models a fact is a list with a value for each, null
// where a model has none.
func (s Sheet) JSON() *mlflow.Object {
	models := make([]any, len(s.Models))
	for i, m := range s.Models {
		o := mlflow.NewObject(mlflow.Member{Key: "uri", Value: m.URI})
		aliases := make([]any, len(m.Aliases))
		for j, a := range m.Aliases {
			aliases[j] = a
		}
		o.Append("aliases", aliases)
		models[i] = o
	}
	out := mlflow.NewObject(mlflow.Member{Key: "models", Value: models})
	for _, section := range s.Sections {
		o := &mlflow.Object{}
		for _, r := range section.Rows {
			key := r.Name
			for n := 2; o.Has(key); n++ { // two data sets of one name
				key = fmt.Sprintf("%s (%d)", r.Name, n)
			}
			o.Append(key, r.json())
		}
		out.Append(section.Title, o)
	}
	return out
}

func (r Row) json() any {
	list := make([]any, len(r.Values))
	for i, v := range r.Values {
		if v.Set {
			list[i] = v.Text
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}
