package mlflow

import (
	"math"
	"strconv"
	"strings"
)

// Double is a floating-point value as MLflow's servers write it into JSON: a
// Number in Python's shortest form (`0.1`, `5.0`, `1e+16`), or the text `NaN`,
// `Infinity` or `-Infinity`.
func Double(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return pythonFloat(f)
}

// pythonFloat writes a finite float as Python's repr does: digits as few as
// bring the same value back, an exponent below 1e-4 and from 1e16 on.
func pythonFloat(f float64) Number {
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return Number(s) // Go, too, writes at least two digits of exponent
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return Number(s)
}
