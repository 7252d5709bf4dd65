//go:build !nocloud

package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// openAzure opens a container. The connection string is for the account that
// it names, the access key for any, as in MLflow: both only sign requests.
func (a *Artifacts) openAzure(ctx context.Context, b bucket, o *opened) error {
	client, err := a.azureContainer(b)
	if err != nil {
		return err
	}
	o.etagOf = func(r *gocloud.Reader) string {
		var raw blob.DownloadStreamResponse
		if !r.As(&raw) || raw.ETag == nil {
			return ""
		}
		return string(*raw.ETag)
	}
	o.about = func(err error) string {
		var response *azcore.ResponseError
		if errors.As(err, &response) {
			return fmt.Sprintf("%s (status %d)", response.ErrorCode, response.StatusCode)
		}
		return err.Error()
	}
	o.Bucket, err = azureblob.OpenBucket(ctx, client, nil)
	return err
}

func (a *Artifacts) azureContainer(b bucket) (*container.Client, error) {
	options := &container.ClientOptions{}
	// The Data Lake's files are blobs of the same account.
	url := fmt.Sprintf("https://%s.blob.%s/%s", b.account, b.domain, b.name)
	switch {
	case accountOf(a.o.Azure.ConnectionString) == b.account:
		return container.NewClientFromConnectionString(a.o.Azure.ConnectionString, b.name, options)
	case a.o.Azure.AccessKey != "":
		key, err := container.NewSharedKeyCredential(b.account, a.o.Azure.AccessKey)
		if err != nil {
			return nil, errors.New("AZURE_STORAGE_ACCESS_KEY is no key of Azure Storage") // the library's words may hold it
		}
		return container.NewClientWithSharedKeyCredential(url, key, options)
	}
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return container.NewClient(url, identity, options)
}

// accountOf is the account that a connection string is for.
func accountOf(connection string) string {
	for part := range strings.SplitSeq(connection, ";") {
		if name, ok := strings.CutPrefix(part, "AccountName="); ok {
			return name
		}
	}
	return ""
}
