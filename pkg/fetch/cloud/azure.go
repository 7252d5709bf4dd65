//go:build !nocloud

package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/mlreport/mlreport/pkg/fetch"
)

// An azureContainer reads a container of Azure Storage.
type azureContainer struct{ *container.Client }

// openAzure opens a container. The connection string is for the account that
// it names, the access key for any, as in MLflow: both only sign requests.
func (a *Artifacts) openAzure(b bucket) (client, error) {
	c, err := a.azureClient(b)
	if err != nil {
		return nil, err
	}
	return &azureContainer{c}, nil
}

func (c *azureContainer) get(ctx context.Context, key string) (io.ReadCloser, fetch.Stamp, error) {
	out, err := c.NewBlobClient(key).DownloadStream(ctx, nil)
	if err != nil {
		return nil, fetch.Stamp{}, err
	}
	stamp := fetch.Stamp{ETag: string(valueOf(out.ETag)), Size: valueOf(out.ContentLength), ModTime: valueOf(out.LastModified)}
	return out.NewRetryReader(ctx, nil), stamp, nil
}

func (c *azureContainer) page(ctx context.Context, prefix, delimiter, token string) ([]object, string, error) {
	var from *string
	if token != "" {
		from = &token
	}
	var files []*container.BlobItem
	var folders []*container.BlobPrefix
	var next *string
	if delimiter == "" {
		page, err := c.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix, Marker: from}).NextPage(ctx)
		if err != nil {
			return nil, "", err
		}
		files, next = page.Segment.BlobItems, page.NextMarker
	} else {
		page, err := c.NewListBlobsHierarchyPager(delimiter, &container.ListBlobsHierarchyOptions{Prefix: &prefix, Marker: from}).NextPage(ctx)
		if err != nil {
			return nil, "", err
		}
		files, folders, next = page.Segment.BlobItems, page.Segment.BlobPrefixes, page.NextMarker
	}
	rows := make([]object, 0, len(files)+len(folders))
	for _, row := range files {
		rows = append(rows, object{valueOf(row.Name), valueOf(row.Properties.ContentLength)})
	}
	for _, folder := range folders {
		rows = append(rows, object{valueOf(folder.Name), 0})
	}
	return rows, valueOf(next), nil
}

func (c *azureContainer) explain(err error) (int, string) {
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return response.StatusCode, fmt.Sprintf("%s (status %d)", response.ErrorCode, response.StatusCode)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound { // every account has a host of its own
		return http.StatusNotFound, "there is no such storage account: " + dns.Name
	}
	return 0, err.Error()
}

func (c *azureContainer) close() {}

func valueOf[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

func (a *Artifacts) azureClient(b bucket) (*container.Client, error) {
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
