package report

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ErrFormat says that a report is of another format, mostly because a newer
// mlreport wrote it.
var ErrFormat = fmt.Errorf("not a report of format %d", Format)

// Encode writes a report or another document the way all files of a tree are
// written.
func Encode(doc *mlflow.Object) []byte { return mlflow.EncodeReport(doc) }

// Decode reads a wide report. Decode(Encode(doc)) equals doc.
func Decode(data []byte) (*mlflow.Object, error) {
	v, err := mlflow.DecodeReport(data)
	if err != nil {
		return nil, fmt.Errorf("not a report: %w", err)
	}
	doc, _ := v.(*mlflow.Object)
	m := doc.Object("manifest")
	if m == nil {
		return nil, errors.New("not a report: it has no manifest")
	}
	if f, ok := m.Get("format"); ok && f != mlflow.Integer(Format) { // the seed's format has no number
		return nil, ErrFormat
	}
	return doc, nil
}

// SameButTimestamp tells whether two encoded reports say the same but for
// their `manifest.timestamp`.
func SameButTimestamp(a, b []byte) bool {
	beforeA, afterA := aroundTimestamp(a)
	beforeB, afterB := aroundTimestamp(b)
	return bytes.Equal(beforeA, beforeB) && bytes.Equal(afterA, afterB)
}

// aroundTimestamp cuts the timestamp out of an encoded report. The manifest
// comes first, and no text of JSON holds the end of a line, so that what begins
// a line two levels in before the manifest ends is one of its keys.
func aroundTimestamp(data []byte) (before, after []byte) {
	manifest, key := data, `,"timestamp":"` // on one line, where a quote in text has a backslash before it
	switch {
	case bytes.HasPrefix(data, []byte("{\n  \"manifest\": {\n")):
		manifest, key = data[:max(bytes.Index(data, []byte("\n  }")), 0)], "\n    \"timestamp\": \""
	case !bytes.HasPrefix(data, []byte(`{"manifest":{`)):
		return data, nil
	}
	i := bytes.Index(manifest, []byte(key))
	if i < 0 {
		return data, nil
	}
	i += len(key)
	length := bytes.IndexByte(data[i:], '"')
	return data[:i], data[i+length:]
}
