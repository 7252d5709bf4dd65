package fetch

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A Group does things side by side, as errgroup does. A mistake of the program
// in one of them, a panic, would end the process, and with it a batch of
// thousands; here Wait panics instead, where the caller can recover.
type Group struct {
	group *errgroup.Group
	fell  atomic.Pointer[any]
}

// NewGroup makes a group of n at once; n < 0: no limit. The context ends when
// one fails or Wait returns.
func NewGroup(ctx context.Context, n int) (*Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(n)
	return &Group{group: g}, ctx
}

// Go does f as soon as there is room.
func (g *Group) Go(f func() error) {
	g.group.Go(func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				g.fell.CompareAndSwap(nil, &p)
				err = fmt.Errorf("a mistake of the program: %v", p) // ends the others
			}
		}()
		return f()
	})
}

// Wait waits for all and returns the first error.
func (g *Group) Wait() error {
	err := g.group.Wait()
	if p := g.fell.Load(); p != nil {
		panic(*p)
	}
	return err
}

// Caught does f; a panic becomes an error that names what it was about: where
// it should cost one key, not all that are read with it.
func Caught(what any, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mlreport made a mistake with %v, please report it: %v", what, p)
		}
	}()
	return f()
}
