package rest

import (
	"bytes"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// decodePython reads what is JSON for Python only: a bare NaN, Infinity or
// -Infinity, as some calls of MLflow's web interface answer, becomes text, as
// the other calls have it. why is what is wrong with it as JSON.
func decodePython(body []byte, why error) (*mlflow.Object, error) {
	out := make([]byte, 0, len(body)+64)
	found, inText := false, false
	for i := 0; i < len(body); i++ {
		n := 0
		if !inText {
			n = bareWord(body[i:])
		}
		switch {
		case n > 0:
			out = append(append(append(out, '"'), body[i:i+n]...), '"')
			found, i = true, i+n-1
			continue
		case body[i] == '"':
			inText = !inText
		case body[i] == '\\' && inText && i+1 < len(body):
			out = append(out, body[i])
			i++
		}
		out = append(out, body[i])
	}
	if !found {
		return nil, why
	}
	return mlflow.DecodeJSON(out)
}

// bareWord is the length of the word for no number that s begins with, or 0.
func bareWord(s []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(s, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
