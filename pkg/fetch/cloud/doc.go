// Package cloud reads artifact files of object stores: Amazon S3 and what
// speaks its protocol (`s3://`), Google Cloud Storage (`gs://`) and Azure Blob
// Storage (`wasbs://`, `abfss://`).
//
// A location comes from data, so it decides a bucket, never a host: requests
// go to Amazon, Google and Azure, or to the endpoint that the user named.
// Credentials are found as each vendor's own tools find them, which is why
// those parts of the SDKs read the environment themselves.
//
// With the build tag `nocloud` no SDK is linked, and every location is
// ErrUnsupported.
package cloud
