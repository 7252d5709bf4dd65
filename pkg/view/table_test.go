package view_test

import (
	"testing"

	"github.com/mlreport/mlreport/pkg/view"
)

func TestNamesStayWholeAsLongAsTheOtherColumnsCanGiveWay(t *testing.T) {
	table := view.Table{Columns: []string{"MODEL", "ALIASES"}, Rows: [][]string{{"credit_risk_production", "champion=12, challenger=13"}}}
	want := "MODEL                   ALIASES\ncredit_risk_production  champion=12…\n"
	if got := table.Text(36); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
