package sink

import (
	"io"

	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/view"
)

// tableRecord is a row of the index as a line of models.csv. No cell is a
// formula for a spreadsheet, whatever the data says.
func tableRecord(r report.Row) []byte {
	cells := report.TableRow(r)
	for i := range cells {
		cells[i] = view.TextCell(cells[i])
	}
	return view.Record(cells)
}

// emitTable writes models.csv: the rows of index.json for a spreadsheet.
func (t *Tree) emitTable(w io.Writer) error {
	head := append([]byte(view.ByteOrderMark), view.Record(report.TableColumns())...)
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
