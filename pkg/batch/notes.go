package batch

import (
	"strconv"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// encodeKnown writes what is known as one line.
func encodeKnown(k *fetch.Known) []byte {
	o := &mlflow.Object{}
	if k != nil {
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
	}
	return mlflow.JSON{}.Append(nil, o)
}

// decodeKnown reads a note; nil when there is none.
func decodeKnown(note []byte) *fetch.Known {
	o, err := mlflow.DecodeJSON(note)
	if err != nil || !o.Has("uri") {
		return nil
	}
	k := &fetch.Known{
		URI: o.Text("uri"), SHA256: o.Text("sha256"), Short: o.Has("short"), RunID: o.Text("run_id"), ModelID: o.Text("model_id"),
		List: o.Text("list"), Level: int(numberAt(o, "level")),
	}
	k.Stamp = fetch.Stamp{ETag: o.Text("etag"), Size: numberAt(o, "size")}
	if t, err := time.Parse(time.RFC3339Nano, o.Text("mtime")); err == nil {
		k.Stamp.ModTime = t
	}
	return k
}

func number(n int64) mlflow.Number { return mlflow.Number(strconv.FormatInt(n, 10)) }

func numberAt(o *mlflow.Object, key string) int64 {
	n, _ := strconv.ParseInt(o.Text(key), 10, 64)
	return n
}
