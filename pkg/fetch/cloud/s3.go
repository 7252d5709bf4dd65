//go:build !nocloud

package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// openS3 opens a bucket with the credentials of Amazon's default chain. The
// region of a bucket need not be configured: Amazon is asked for it, once.
func (a *Artifacts) openS3(ctx context.Context, b bucket, o *opened) error {
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(a.httpClient())}
	if a.o.S3.Unsigned {
		load = append(load, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return err
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if a.o.S3.Endpoint == "" && cfg.BaseEndpoint == nil {
		cfg.Region = regionOf(ctx, cfg, b.name)
	}
	client := s3.NewFromConfig(cfg, func(options *s3.Options) {
		options.UsePathStyle = a.o.S3.PathStyle
		if a.o.S3.Endpoint != "" {
			options.BaseEndpoint = aws.String(a.o.S3.Endpoint)
		}
		// Other vendors' stores do not send the checksums that Amazon's do.
		options.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	o.etagOf = func(r *blob.Reader) string {
		var raw s3.GetObjectOutput
		if !r.As(&raw) {
			return ""
		}
		return aws.ToString(raw.ETag)
	}
	o.about = func(err error) string {
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorMessage() != "" {
			return api.ErrorCode() + ": " + api.ErrorMessage()
		}
		return err.Error()
	}
	o.Bucket, err = s3blob.OpenBucket(ctx, client, b.name, nil)
	return err
}

// regionOf asks for the region of a bucket; when nobody says it, it is the
// configured one.
func regionOf(ctx context.Context, cfg aws.Config, bucket string) string {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	out, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(bucket)})
	if err == nil {
		if region := aws.ToString(out.BucketRegion); region != "" {
			return region
		}
		return cfg.Region
	}
	var response interface{ HTTPResponse() *http.Response }
	if errors.As(err, &response) && response.HTTPResponse() != nil {
		if region := response.HTTPResponse().Header.Get("X-Amz-Bucket-Region"); region != "" {
			return region
		}
	}
	return cfg.Region
}

// httpClient is the library's own client, which knows AWS_CA_BUNDLE.
func (a *Artifacts) httpClient() aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		if !a.o.S3.IgnoreTLS {
			return
		}
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.InsecureSkipVerify = true
	})
}
