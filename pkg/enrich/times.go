package enrich

import (
	"strconv"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// addTimes adds `_key` behind all else for each key that holds a time in
// milliseconds since 1970, as a number or text, other than 0.
func addTimes(o *mlflow.Object, keys ...string) {
	for _, k := range keys {
		if ms, ok := milliseconds(o, k); ok {
			if t, ok := formatTime(ms); ok {
				o.Set("_"+k, t)
			}
		}
	}
}

// milliseconds reads a time that is there and not 0.
func milliseconds(o *mlflow.Object, key string) (int64, bool) {
	ms, err := strconv.ParseInt(strings.TrimSpace(o.Text(key)), 10, 64)
	return ms, err == nil && ms != 0
}

// formatTime writes UTC, rounded to a full second, half to even. Times that
// round to 1970-01-01 00:00:00 are null, as in the seed tool: nothing
// happened then. Years of other than four digits have no such text.
func formatTime(ms int64) (any, bool) {
	seconds, rest := ms/1000, ms%1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	if rest > 500 || rest == 500 && seconds%2 != 0 {
		seconds++
	}
	if seconds == 0 {
		return nil, true
	}
	t := time.Unix(seconds, 0).UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, false
	}
	return t.Format(time.DateTime), true
}

// addDuration adds `_duration`: seconds between start and end, with the
// milliseconds that there are and always with a decimal point.
func addDuration(info *mlflow.Object) {
	start, started := milliseconds(info, "start_time")
	end, ended := milliseconds(info, "end_time")
	if !started || !ended {
		return
	}
	ms := end - start
	if (ms < 0) != (end < start) { // more than 64 bits
		return
	}
	info.Set("_duration", seconds(ms))
}

func seconds(ms int64) mlflow.Number {
	sign, abs := "", uint64(ms)
	if ms < 0 {
		sign, abs = "-", -abs
	}
	return mlflow.Number(sign + strconv.FormatUint(abs/1000, 10) + "." + fraction(abs%1000))
}

// fraction writes thousandths without trailing zeros, but at least one digit.
func fraction(thousandths uint64) string {
	s := strings.TrimRight(strconv.FormatUint(1000+thousandths, 10)[1:], "0")
	if s == "" {
		return "0"
	}
	return s
}
