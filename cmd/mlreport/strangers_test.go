package main

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A stranger is a host that nobody but the data names. It notes who calls.
type stranger struct {
	address string
	mu      sync.Mutex
	calls   []string
}

func startStranger(t *testing.T) *stranger {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{address: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			said := make([]byte, 200)
			n, _ := conn.Read(said)
			s.mu.Lock()
			s.calls = append(s.calls, string(said[:n]))
			s.mu.Unlock()
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return s
}

func (s *stranger) called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Whoever can write to a store chooses where versions, runs and data sets say
// that they are. Nobody is called there, also by a user who is logged in to the
// clouds and asks for all that there is.
func TestNoRequestGoesToAHostThatOnlyTheDataNames(t *testing.T) {
	s := startStranger(t)
	server := startStranger(t) // where the clouds of this test are: nothing is there
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ENDPOINT_URL": "http://" + server.address, "AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none", "HTTP_PROXY": "", "HTTPS_PROXY": "",
	} {
		t.Setenv(name, value)
	}
	w := mlflowtest.SmallFakeWorld()
	host, _, _ := strings.Cut(s.address, ":")
	var sources []string
	for _, scheme := range []string{"http", "https", "s3", "gs", "hdfs", "dbfs", "ftp", "sftp", "mlflow-artifacts", "file", "uc", "wasbs", "abfss", "runs", "models"} {
		sources = append(sources, scheme+"://"+s.address+"/model")
	}
	sources = append(sources, "wasbs://c@"+s.address+"/m", "abfss://c@"+s.address+"/m", "//"+s.address+"/share/m", `\\\\`+host+`\share\m`, "s3://b@"+s.address+"/m", "dbfs://p@"+s.address+"/m",
		"mlflow-artifacts://"+s.address+"/0/m/artifacts", "http://"+s.address+"/api/2.0/mlflow-artifacts/artifacts/0/m", "r2://b@"+s.address+"/m", "b2://"+s.address+"/m", "s3://models/m")
	for i, source := range sources {
		m := mlflowtest.FakeModel{Name: "stranger " + string(rune('a'+i)), Versions: []mlflowtest.FakeVersion{{Number: 1, Source: source, RunID: w.Runs[0].ID}}}
		w.Models = append(w.Models, m)
	}
	w.Runs[0].Datasets = []string{"http://" + s.address + "/data.csv"}
	fake := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	u := newUser(t)
	u.env["AWS_ACCESS_KEY_ID"], u.env["AZURE_STORAGE_ACCESS_KEY"], u.env["STORAGE_EMULATOR_HOST"] = "tester", "a2V5", "http://"+server.address
	u.env["MLFLOW_S3_ENDPOINT_URL"] = "http://" + server.address
	manifest := u.writes("m.yaml", "version: 1\nhosts: {h: {tracking: \""+fake.URL+"\"}}\ndefaults: {artifact-max-level: all, copy: evidence, lineage: true, environment: true}\nmodels: [{select: {models: \"stranger *\", versions: all}}]\n")
	got := u.types("run", manifest, "--out", u.path("out"))
	if !strings.Contains(got.err, "reports in") || strings.Count(u.reads(u.path("out/index.json")), `"model":"stranger`) != len(sources) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if calls := s.called(); len(calls) > 0 {
		t.Errorf("%d calls to a host that only the data names: %q", len(calls), calls)
	}
	if len(server.called()) == 0 {
		t.Error("not even the clouds that the environment names were asked: the test shows nothing")
	}
}
