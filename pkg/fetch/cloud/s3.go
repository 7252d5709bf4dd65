//go:build !nocloud

package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/mlreport/mlreport/pkg/fetch"
)

// An s3Bucket reads a bucket by Amazon's protocol.
type s3Bucket struct {
	*s3.Client
	name *string
}

// openS3 opens a bucket with the credentials of Amazon's default chain. The
// region of a bucket need not be configured: Amazon is asked for it, once.
func (a *Artifacts) openS3(ctx context.Context, b bucket) (client, error) {
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(a.httpClient())}
	if a.o.S3.Unsigned {
		load = append(load, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if a.o.S3.Endpoint == "" && cfg.BaseEndpoint == nil {
		cfg.Region = regionOf(ctx, cfg, b.name)
	}
	return &s3Bucket{s3.NewFromConfig(cfg, func(options *s3.Options) {
		options.UsePathStyle = a.o.S3.PathStyle
		if a.o.S3.Endpoint != "" {
			options.BaseEndpoint = aws.String(a.o.S3.Endpoint)
		}
		// Other vendors' stores do not send the checksums that Amazon's do.
		options.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}), &b.name}, nil
}

func (b *s3Bucket) get(ctx context.Context, key string) (io.ReadCloser, fetch.Stamp, error) {
	out, err := b.GetObject(ctx, &s3.GetObjectInput{Bucket: b.name, Key: &key})
	if err != nil {
		return nil, fetch.Stamp{}, err
	}
	return out.Body, fetch.Stamp{ETag: aws.ToString(out.ETag), Size: aws.ToInt64(out.ContentLength), ModTime: aws.ToTime(out.LastModified)}, nil
}

func (b *s3Bucket) page(ctx context.Context, prefix, delimiter, token string) ([]object, string, error) {
	in := &s3.ListObjectsV2Input{Bucket: b.name, Prefix: &prefix, MaxKeys: aws.Int32(pageSize)}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	if token != "" {
		in.ContinuationToken = &token
	}
	out, err := b.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, "", err
	}
	rows := make([]object, 0, len(out.Contents)+len(out.CommonPrefixes))
	for _, row := range out.Contents {
		rows = append(rows, object{aws.ToString(row.Key), aws.ToInt64(row.Size)})
	}
	for _, folder := range out.CommonPrefixes {
		rows = append(rows, object{aws.ToString(folder.Prefix), 0})
	}
	return rows, aws.ToString(out.NextContinuationToken), nil
}

func (b *s3Bucket) explain(err error) (int, string) {
	status, says := 0, err.Error()
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorMessage() != "" {
		says = api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return status, says
}

func (b *s3Bucket) close() {}

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
