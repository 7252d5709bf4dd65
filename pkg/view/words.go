package view

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// first is the first text that is not empty.
func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// words joins the texts of a list.
func words(list []any) string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// textAt is a member as text: JSON where it is neither text nor number.
func textAt(o *mlflow.Object, key string) string {
	v, _ := o.Get(key)
	return mlflow.TextOf(v)
}

// Bytes is a size as people write it: `1.4 kB`.
func Bytes(n string) string {
	f, err := strconv.ParseFloat(n, 64)
	if err != nil {
		return n
	}
	units := []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for f >= 1000 && i < len(units)-1 {
		f /= 1000
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", f)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
