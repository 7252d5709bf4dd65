package batch

import (
	"strconv"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A note is what a batch writes down about a place for the next one.
type note struct {
	known *fetch.Known // of the files; nil: nothing
	asked string       // see job.asking; "" when the store cannot tell its state
}

const usualNote = 384 // bytes: more than most notes take

// encode writes a note as one line.
func (n note) encode() []byte {
	o := &mlflow.Object{}
	if k := n.known; k != nil {
		set := func(key, text string) {
			if text != "" {
				o.Append(key, text)
			}
		}
		set("uri", k.URI)
		set("sha256", k.SHA256)
		set("etag", k.Stamp.ETag)
		if t := k.Stamp.ModTime; !t.IsZero() {
			set("mtime", t.UTC().Format(time.RFC3339Nano))
			o.Append("size", number(k.Stamp.Size))
		}
		if k.Short {
			o.Append("short", true)
		}
		set("run_id", k.RunID)
		set("model_id", k.ModelID)
		if k.List != "" {
			set("list", k.List)
			o.Append("level", number(int64(k.Level)))
		}
		set("asked", n.asked)
	}
	return mlflow.JSON{}.Append(make([]byte, 0, usualNote), o)
}

// decodeNote reads a note; zero when there is none.
func decodeNote(line []byte) note {
	o, err := mlflow.DecodeJSON(line)
	if err != nil || !o.Has("uri") {
		return note{}
	}
	k := &fetch.Known{
		URI: o.Text("uri"), SHA256: o.Text("sha256"), Short: o.Has("short"), RunID: o.Text("run_id"), ModelID: o.Text("model_id"),
		List: o.Text("list"), Level: int(numberAt(o, "level")),
	}
	k.Stamp = fetch.Stamp{ETag: o.Text("etag"), Size: numberAt(o, "size")}
	if t, err := time.Parse(time.RFC3339Nano, o.Text("mtime")); err == nil {
		k.Stamp.ModTime = t
	}
	return note{known: k, asked: o.Text("asked")}
}

func number(n int64) mlflow.Number { return mlflow.Number(strconv.FormatInt(n, 10)) }

func numberAt(o *mlflow.Object, key string) int64 {
	n, _ := strconv.ParseInt(o.Text(key), 10, 64)
	return n
}
