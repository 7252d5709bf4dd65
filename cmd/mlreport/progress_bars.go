package main

import (
	"slices"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// redrawEvery is how often the bars of a terminal are drawn.
const redrawEvery = 100 * time.Millisecond

// showBars shows a bar per host on a terminal until the batch is done; then
// they are taken away.
func (p *progress) showBars() {
	bars := mpb.New(mpb.WithOutput(p.Stderr), mpb.WithRefreshRate(redrawEvery), mpb.WithWidth(40))
	hosts := slices.Clone(p.hosts)
	all := make([]*mpb.Bar, len(hosts))
	for i, h := range hosts {
		text := func(decor.Statistics) string {
			p.mu.Lock()
			defer p.mu.Unlock()
			return h.text(p.Now().Sub(p.began))
		}
		all[i] = bars.AddBar(0, mpb.BarFillerTrim(),
			mpb.PrependDecorators(decor.Name(harmless(h.name)+" ", decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.Any(text)))
	}
	p.ended.Go(func() {
		t := time.NewTicker(redrawEvery)
		defer t.Stop()
		for !p.stopped() {
			p.moveBars(hosts, all)
			select {
			case <-p.stop:
			case <-t.C:
			}
		}
		for _, b := range all {
			b.Abort(true)
		}
		bars.Wait()
	})
}

// moveBars shows how much of what was found is done. A bar takes its numbers
// from a goroutine that may wait for p.mu, to draw its text: it is not held.
func (p *progress) moveBars(hosts []*hostProgress, all []*mpb.Bar) {
	for i, b := range all {
		p.mu.Lock()
		done, total := hosts[i].done(), hosts[i].total()
		p.mu.Unlock()
		b.SetTotal(int64(total), false)
		b.SetCurrent(int64(done))
	}
}
