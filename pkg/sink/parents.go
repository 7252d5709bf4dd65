package sink

import (
	"errors"
	"io/fs"
	"sync"
)

// maxParents is how many folders are kept open between two reports.
const maxParents = 64

// parents keeps the folders of models open, of which many versions are written
// or looked at in a row: to walk from the tree's top to each file costs more
// than to write it.
type parents struct {
	mu   sync.Mutex
	open map[string]*parent // by path
}

type parent struct {
	folder
	users int
}

// get opens a folder below top, once for all who use it at a time; it must be
// given back. One that is not there is made, or gives fs.ErrNotExist.
func (p *parents) get(top folder, name string, make bool) (*parent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if have := p.open[name]; have != nil {
		have.users++
		return have, nil
	}
	f, err := top.open(name, make)
	if err != nil {
		return nil, err
	}
	if p.open == nil {
		p.open = map[string]*parent{}
	}
	p.shrink(maxParents - 1)
	p.open[name] = &parent{f, 1}
	return p.open[name], nil
}

// giveBack ends the use of a folder.
func (p *parents) giveBack(f *parent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.users--
}

// shrink closes folders that nobody uses until at most n are open.
func (p *parents) shrink(n int) {
	for name, f := range p.open {
		if len(p.open) <= n {
			return
		}
		if f.users == 0 {
			f.close()
			delete(p.open, name)
		}
	}
}

// close closes all folders.
func (p *parents) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shrink(0)
}

// enter opens a folder in this one, and makes it when it is not there: then it
// is new. expectNew only says what to try first.
func (f folder) enter(name string, expectNew bool) (sub folder, isNew bool, err error) {
	if !expectNew {
		sub, err = f.open(name, false)
	}
	if expectNew || errors.Is(err, fs.ErrNotExist) {
		if isNew, err = f.mkdir(name); err == nil {
			sub, err = f.open(name, false)
		}
	}
	return sub, isNew, err
}

func (f folder) mkdir(name string) (isNew bool, err error) {
	if err = f.step(StepMkdir, name); err == nil {
		err = f.root.Mkdir(name, folderMode)
	}
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, f.fail("making", name, err)
}
