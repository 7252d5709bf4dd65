package rest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/url"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	maxPage   = 1000 // rows of models, versions and experiments asked for at once; more is refused for models
	runsPage  = 200  // rows of runs, which are some 4 kB each
	maxBlanks = 50   // pages without rows in a row, after which a listing is given up
)

// A page is part of the answer to a search.
type page struct {
	rows []*mlflow.Object
	last bool
}

// getPages asks a search by GET and follows its pages.
func (r *Reader) getPages(ctx context.Context, path string, q url.Values, member string) iter.Seq2[page, error] {
	return r.follow(path, member, func(token string) (*mlflow.Object, error) {
		if token != "" {
			q = maps.Clone(q)
			q.Set("page_token", token)
		}
		return r.c.Get(ctx, path, q)
	})
}

// postPages asks a search by POST and follows its pages.
func (r *Reader) postPages(ctx context.Context, path string, body *mlflow.Object, member string) iter.Seq2[page, error] {
	return r.follow(path, member, func(token string) (*mlflow.Object, error) {
		if token != "" {
			body = body.Clone()
			body.Set("page_token", token)
		}
		return r.c.Post(ctx, path, body)
	})
}

// follow asks page after page. A token that was given before, and pages
// without rows that do not end, are an error: a server can do that for ever.
func (r *Reader) follow(path, member string, ask func(token string) (*mlflow.Object, error)) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		seen := map[string]bool{}
		blanks := 0
		for token := ""; ; {
			answer, err := ask(token)
			if err != nil {
				yield(page{}, err)
				return
			}
			if answer.Len() > 0 && !answer.Has(member) && !answer.Has("next_page_token") { // a list without rows is left out
				yield(page{}, r.nonsense(path, "has no "+member))
				return
			}
			p := page{}
			for row := range answer.Objects(member) {
				p.rows = append(p.rows, row)
			}
			token = answer.Text("next_page_token")
			p.last = token == ""
			if blanks++; len(p.rows) > 0 {
				blanks = 0
			}
			if !yield(p, nil) || p.last {
				return
			}
			if seen[token] || blanks > maxBlanks {
				yield(page{}, r.nonsense(path, "goes on for ever: its pages never end"))
				return
			}
			seen[token] = true
		}
	}
}

func number(n int) mlflow.Number { return mlflow.Number(fmt.Sprint(n)) }

// Rows streams the rows of a search, which is asked by GET page after page;
// path and q are as with Client.Get.
func (r *Reader) Rows(ctx context.Context, path string, q url.Values, member string) iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) {
		for p, err := range r.getPages(ctx, path, q, member) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, o := range p.rows {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
}
