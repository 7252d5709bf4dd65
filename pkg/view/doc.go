// Package view turns reports into what people read: in go report documents
// (pkg/report) and rows of text; out come tables and sheets as text for a
// terminal, Markdown, CSV and JSON. It is pure: no I/O, no clock. Text is
// written so that nothing in it moves a terminal's cursor, makes Markdown of
// itself or a formula of a spreadsheet's cell.
package view
