//go:build unix

package mlflowtest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// An ObjectStore is a store that speaks a vendor's protocol, on loopback, with
// a bucket `models` in it.
type ObjectStore struct {
	Bucket string            // the location of the bucket, such as `s3://models`
	Env    map[string]string // with which MLflow, and we, reach it
	Python string            // an interpreter with MLflow and the clients of all vendors
}

// bucketMakers make the bucket with the vendor's own client.
func bucketMakers() map[string]string {
	return map[string]string{
		"s3":    `import boto3, os; boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"]).create_bucket(Bucket="models")`,
		"gs":    `from google.cloud import storage; storage.Client.create_anonymous_client().create_bucket("models")`,
		"azure": `import os; from azure.storage.blob import BlobServiceClient; BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"]).create_container("models")`,
	}
}

// StartObjectStore starts an object store ("s3", "gs" or "azure") that ends
// with the test. It is missing until scripts/object-stores has run.
func StartObjectStore(t testing.TB, kind string) *ObjectStore {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out real servers")
	}
	env := filepath.Join(Root(t), ".cache", "object-stores")
	if _, err := os.Stat(filepath.Join(env, stampFile)); err != nil {
		missing(t, "there are no object stores; make them with: scripts/object-stores")
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &ObjectStore{Python: filepath.Join(env, "bin", "python")}
	at := fmt.Sprintf("http://127.0.0.1:%d", port)
	var args []string
	switch kind {
	case "s3":
		args = []string{s.Python, filepath.Join(env, "bin", "moto_server"), "-H", "127.0.0.1", "-p", strconv.Itoa(port)}
		s.Bucket = "s3://models"
		s.Env = map[string]string{"MLFLOW_S3_ENDPOINT_URL": at, "AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
	case "gs":
		args = []string{s.Python, filepath.Join(env, "bin", "gcp-storage-emulator"), "start", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--in-memory"}
		s.Bucket = "gs://models"
		s.Env = map[string]string{"STORAGE_EMULATOR_HOST": at}
	case "azure":
		args = []string{filepath.Join(env, "node_modules", ".bin", "azurite-blob"), "--silent", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", strconv.Itoa(port)}
		s.Bucket = "wasbs://models@devstoreaccount1.blob.core.windows.net"
		// The account and key of Azurite are the same everywhere, and no secret.
		s.Env = map[string]string{"AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=" + at + "/devstoreaccount1;"}
	default:
		t.Fatalf("no such object store: %q", kind)
	}
	runBeside(t, args, at)
	s.Run(t, bucketMakers()[kind])
	return s
}

// Environ is Env as processes have it.
func (s *ObjectStore) Environ() []string {
	var list []string
	for name, value := range s.Env {
		list = append(list, name+"="+value)
	}
	return list
}

// Run runs a Python program that reaches the store.
func (s *ObjectStore) Run(t testing.TB, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(s.Python, append([]string{"-c", program}, args...)...)
	cmd.Env = realEnv(s.Environ()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
}

// runBeside runs a server until the test ends, and waits until it answers.
func runBeside(t testing.TB, args []string, url string) {
	t.Helper()
	var output lockedBuffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = t.TempDir(), realEnv()
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-gone
	})
	client := http.Client{Timeout: 10 * time.Second}
	deadline := time.After(startPatience)
	for tick := time.Tick(100 * time.Millisecond); ; {
		select {
		case <-gone:
			t.Fatalf("%s ended:\n%s", args[0], output.tail(3000))
		case <-deadline:
			t.Fatalf("%s does not answer:\n%s", args[0], output.tail(3000))
		case <-tick:
		}
		if answer, err := client.Get(url); err == nil {
			_ = answer.Body.Close()
			return
		}
	}
}
