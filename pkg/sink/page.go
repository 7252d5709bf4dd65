package sink

import (
	"bytes"
	"fmt"

	"github.com/mlreport/mlreport/pkg/view"
)

// render makes the page of what report.json will hold: when the report is the
// same, that is the old one with its old timestamp.
func (p *present) render(r Report) error {
	if !r.Markdown {
		return nil
	}
	data := r.JSON
	if p.json != nil && p.same {
		data = p.json
	}
	doc, err := decodeReport(data)
	if err != nil {
		return fmt.Errorf("page of %s: %w", r.Place, err)
	}
	p.newPage = view.Markdown(doc)
	return nil
}

func (p present) changesPage() bool { return !bytes.Equal(p.page, p.newPage) }

func (p present) writePage() error {
	switch {
	case !p.changesPage():
		return nil
	case p.newPage == nil:
		return p.in.remove(pageName)
	}
	return p.in.write(pageName, p.newPage)
}
