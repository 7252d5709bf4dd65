//go:build unix

package sink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFilesAreForOwnerAndGroup(t *testing.T) {
	old := syscall.Umask(0o022)
	defer syscall.Umask(old)
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("t"), MLmodel: []byte("x")})
	for name, want := range map[string]fs.FileMode{
		"model_reports/A/7/report.json": 0o640, "model_reports/A/7/MLmodel": 0o640, indexName: 0o640, runName: 0o640, markerName: 0o640,
		"model_reports": fs.ModeDir | 0o750, "model_reports/A/7": fs.ModeDir | 0o750,
	} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, want %v: %v", name, info.Mode(), want, err)
		}
	}
}

func TestPipeInPlaceOfAReportDoesNotHang(t *testing.T) {
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("1")})
	name := filepath.Join(dir, "model_reports/A/7/report.json")
	if err := errors.Join(os.Remove(name), syscall.Mkfifo(name, 0o600)); err != nil {
		t.Fatal(err)
	}
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("2")})
	if read(t, name) != string(doc("2")) {
		t.Error("not replaced")
	}
}
