//go:build nocloud

package cloud

import (
	"context"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func (a *Artifacts) open(context.Context, bucket) (store, error) {
	return nil, &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrUnsupported, "this mlreport was built without object stores"),
		Hint: "use one that was built without the tag nocloud",
	}
}
