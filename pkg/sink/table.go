package sink

import (
	"io"

	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/view"
)

// tableRecords makes of rows of the index lines of models.csv, each good until
// the next. No cell is a formula for a spreadsheet, whatever the data says.
func tableRecords() func(report.Row) []byte {
	lines := &view.Records{}
	return func(r report.Row) []byte {
		cells := report.TableRow(r)
		for i := range cells {
			cells[i] = view.TextCell(cells[i])
		}
		return lines.Line(cells)
	}
}

// emitTable writes models.csv: the rows of index.json for a spreadsheet.
func (t *Tree) emitTable(w io.Writer) error {
	head := append([]byte(view.ByteOrderMark), (&view.Records{}).Line(report.TableColumns())...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	return t.index.EmitRecords(w)
}

// inventoryIn is what an encoded report says; empty of one that is damaged.
func inventoryIn(data []byte) report.Inventory {
	doc, err := decodeReport(data)
	if err != nil {
		return report.Inventory{}
	}
	return report.InventoryOf(doc)
}
