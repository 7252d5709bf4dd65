package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/report"
)

func TestALineSaysHowFarEachHostIs(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	p := &progress{env: &env{Stderr: &out, Now: func() time.Time { return now }}, began: now.Add(-20 * time.Second), stop: make(chan struct{})}
	p.found("prod", 200, true)
	p.found("dev", 30, false)
	p.found("laptop", 1, true)
	p.done(batch.Event{Row: report.Row{Host: "laptop", Status: report.StatusOK}})
	for range 49 {
		p.done(batch.Event{Row: report.Row{Host: "prod", Status: report.StatusOK}})
	}
	p.done(batch.Event{Row: report.Row{Host: "prod", Status: report.StatusFailed}})
	p.found("lab", 1, true)
	p.done(batch.Event{Row: report.Row{Host: "dev", Status: report.StatusPartial}})
	p.sayLine()
	want := "mlreport: 51 reports, 1 failed after 20s; dev 1 of 30 or more, 0.1/s; lab waiting for 20s; prod 50 of 200, 1 failed, 2.5/s, 1m0s left\n"
	if out.String() != want {
		t.Errorf("said %q, want %q", out.String(), want)
	}
}
