//go:build nocloud

package cloud

import (
	"context"
	"net/http"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func (a *Artifacts) open(context.Context, bucket) (store, error) {
	return nil, leftOut("object stores")
}

// NewSigner refuses: see Signing.
func NewSigner(Signing) (func(context.Context, *http.Request) error, error) {
	return nil, leftOut("signing for AWS")
}

func leftOut(what string) error {
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrUnsupported, "this mlreport was built without %s", what),
		Hint: "use one that was built without the tag nocloud",
	}
}
