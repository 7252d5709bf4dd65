//go:build !nocloud

package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// NewSigner makes what signs requests. Nothing is asked, and no file read,
// before the first request is signed. It is safe for concurrent use.
func NewSigner(o Signing) (func(context.Context, *http.Request) error, error) {
	s := &signer{o: o, v4: v4.NewSigner()}
	s.config = sync.OnceValues(s.load)
	return s.sign, nil
}

type signer struct {
	o      Signing
	v4     *v4.Signer
	config func() (aws.Config, error)
}

// load finds profile and region. Whoever asks first may be interrupted, so no
// request's context is used; the credentials are asked for with theirs.
func (s *signer) load() (aws.Config, error) {
	var load []func(*config.LoadOptions) error
	if s.o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(s.o.Profile))
	}
	if s.o.Region != "" {
		load = append(load, config.WithRegion(s.o.Region))
	}
	return config.LoadDefaultConfig(context.Background(), load...)
}

// sign adds Authorization and what belongs to it, in place of any that is
// there. All headers that the request has by now are signed but User-Agent,
// which proxies change.
func (s *signer) sign(ctx context.Context, r *http.Request) error {
	cfg, err := s.config()
	if err != nil {
		return signingError(err)
	}
	region := cfg.Region
	if region == "" {
		region = regionOfGateway(r.URL.Hostname())
	}
	if region == "" {
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrDenied, "no region of Amazon is known"), Hint: "set AWS_REGION, or `auth: {aws-sigv4: true, region: ...}` of the host in the manifest"}
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return signingError(err)
	}
	sum, err := bodySum(r)
	if err != nil {
		return signingError(err)
	}
	r.Header.Del("Authorization")
	if err := s.v4.SignHTTP(ctx, credentials, r, sum, "execute-api", region, s.o.Now()); err != nil {
		return signingError(err)
	}
	return nil
}

// bodySum is the SHA-256 of what a request sends, in hexadecimal.
func bodySum(r *http.Request) (string, error) {
	h := sha256.New()
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return "", err
		}
		defer func() { _ = body.Close() }() // it is in memory
		if _, err := io.Copy(h, body); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// regionOfGateway reads the region off an address of API Gateway itself.
func regionOfGateway(host string) string {
	if m := regexp.MustCompile(`\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$`).FindStringSubmatch(host); m != nil {
		return m[1]
	}
	return ""
}

// signingError tells credentials that nobody has from a service that does not
// hand them out at the moment.
func signingError(err error) error {
	kind := mlflow.ErrDenied
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) && (answered.HTTPStatusCode() >= 500 || answered.HTTPStatusCode() == http.StatusTooManyRequests) {
		kind = mlflow.ErrUnavailable
	}
	return &mlflow.Error{Err: mlflow.Reason(kind, "%v", err), Hint: signingHint}
}
