//go:build unix

package mlflowtest

import (
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers mysql
	_ "github.com/jackc/pgx/v5/stdlib" // registers pgx
)

// A DatabaseServer is a real PostgreSQL or MariaDB with one empty database,
// on a free port of 127.0.0.1, that runs until the test ends.
type DatabaseServer struct {
	Kind     string // "postgresql" or "mysql"
	Host     string // host:port
	User     string // may do all
	Password string
	Name     string // of the database
	Socket   string // folder of the Unix socket (PostgreSQL), or its path (MariaDB)

	dir    string // belongs to the server's user
	as     *user.User
	output lockedBuffer
}

// databaseKeeper runs a server and ends it with a signal when its input ends,
// so that none outlives a test binary that was killed.
const databaseKeeper = `signal=$1; shift; "$@" & cat >/dev/null; kill -$signal $!; wait`

// StartDatabase starts a database server of a kind, "postgresql" or "mysql"
// (MariaDB). Where it is not installed the test is skipped, or fails under
// CI=true, and says what to run.
func StartDatabase(t testing.TB, kind string) *DatabaseServer {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out real servers")
	}
	d := &DatabaseServer{Kind: kind, User: "mlflow", Password: "s3cret p@ss/w?rd", Name: "tracking"}
	programs := map[string][]string{"postgresql": {"postgres", "initdb"}, "mysql": {"mariadbd", "mariadb-install-db"}}[kind]
	path := make(map[string]string)
	for _, p := range programs {
		if path[p] = programPath(p); path[p] == "" {
			missing(t, "there is no program "+p+"; install it with: scripts/database-servers")
		}
	}
	d.makeDir(t)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	d.Host = "127.0.0.1:" + strconv.Itoa(port)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("output of %s:\n%s", kind, d.output.tail(3000))
		}
	})
	if kind == "postgresql" {
		d.startPostgres(t, path, port)
	} else {
		d.startMariaDB(t, path, port)
	}
	return d
}

// programPath finds a program of a server, or "". Debian has PostgreSQL's in no
// PATH; what is there of these are wrappers for its own clusters.
func programPath(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if path, err := exec.LookPath(name); err == nil {
		found = append(found, path)
	}
	for _, path := range append(found, "/usr/sbin/"+name) {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// makeDir makes a folder of the user that the server runs as: these servers
// refuse to run as root. Its path is short, for a socket lies in it.
func (d *DatabaseServer) makeDir(t testing.TB) {
	t.Helper()
	dir, err := os.MkdirTemp("", "db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d.dir = dir
	if os.Getuid() != 0 {
		return
	}
	if d.as, err = user.Lookup("nobody"); err != nil {
		t.Fatal(err)
	}
	uid, gid := ids(d.as)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

func ids(u *user.User) (uid, gid int) {
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}

// command makes a command of the server's user, with a small environment.
func (d *DatabaseServer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = d.dir
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + d.dir, "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if d.as != nil {
		uid, gid := ids(d.as)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	cmd.Stdout, cmd.Stderr = &d.output, &d.output
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// do runs a command to its end.
func (d *DatabaseServer) do(t testing.TB, name string, args ...string) {
	t.Helper()
	if err := d.command(name, args...).Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, d.output.tail(4000))
	}
}

// serve starts the server; it ends with the test.
func (d *DatabaseServer) serve(t testing.TB, name string, args ...string) {
	t.Helper()
	signal := map[string]string{"postgresql": "QUIT", "mysql": "KILL"}[d.Kind]
	cmd := d.command("/bin/sh", append([]string{"-c", databaseKeeper, "keeper", signal, name}, args...)...)
	alive, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.end(cmd, alive) })
}

func (d *DatabaseServer) end(cmd *exec.Cmd, alive io.Closer) {
	_ = alive.Close()
	_ = cmd.Wait()
}

func (d *DatabaseServer) startPostgres(t testing.TB, path map[string]string, port int) {
	t.Helper()
	data, password := filepath.Join(d.dir, "data"), filepath.Join(d.dir, "pw")
	if err := os.WriteFile(password, []byte(d.Password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.Socket = d.dir
	d.do(t, path["initdb"], "-D", data, "-U", d.User, "--pwfile", password, "-A", "scram-sha-256", "--locale", "C.UTF-8", "-E", "UTF8", "-N")
	d.serve(t, path["postgres"], "-D", data, "-p", strconv.Itoa(port), "-h", "127.0.0.1", "-k", d.Socket, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "logging_collector=off")
	d.create(t, "pgx", (&url.URL{Scheme: "postgres", User: url.UserPassword(d.User, d.Password), Host: d.Host, Path: "postgres"}).String(), `CREATE DATABASE `+d.Name)
}

func (d *DatabaseServer) startMariaDB(t testing.TB, path map[string]string, port int) {
	t.Helper()
	data := filepath.Join(d.dir, "data")
	d.Socket = filepath.Join(d.dir, "s")
	base := "/usr"
	d.do(t, path["mariadb-install-db"], "--no-defaults", "--datadir="+data, "--basedir="+base, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	d.serve(t, path["mariadbd"], "--no-defaults", "--datadir="+data, "--basedir="+base, "--port="+strconv.Itoa(port), "--bind-address=127.0.0.1", "--socket="+d.Socket,
		"--pid-file="+filepath.Join(d.dir, "pid"), "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--character-set-server=utf8mb4")
	d.create(t, "mysql", "root@unix("+d.Socket+")/", "CREATE DATABASE "+d.Name, "CREATE USER "+d.User+"@'%' IDENTIFIED BY '"+d.Password+"'", "GRANT ALL ON *.* TO "+d.User+"@'%' WITH GRANT OPTION")
}

// create waits for the server and runs statements in it.
func (d *DatabaseServer) create(t testing.TB, driver, source string, statements ...string) {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startPatience)
	for db.PingContext(t.Context()) != nil {
		select {
		case <-deadline:
			t.Fatalf("%s did not start:\n%s", d.Kind, d.output.tail(4000))
		case <-tick.C:
		}
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// dumpFile holds, in a kept world, what is in its database.
const dumpFile = "dump.sql"

// dump writes the database to a file.
func (d *DatabaseServer) dump(t testing.TB, file string) {
	t.Helper()
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := d.client(t, "pg_dump", "mariadb-dump", "--default-character-set=utf8mb4", "--hex-blob")
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		t.Fatalf("dumping the database: %v\n%s", err, d.output.tail(4000))
	}
}

// restore fills the database with what dump wrote.
func (d *DatabaseServer) restore(t testing.TB, file string) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := d.client(t, "psql", "mariadb", "--default-character-set=utf8mb4")
	cmd.Stdin = in
	if err := cmd.Run(); err != nil {
		t.Fatalf("filling the database: %v\n%s", err, d.output.tail(4000))
	}
}

// client makes a command of a program that comes with the server.
func (d *DatabaseServer) client(t testing.TB, postgres, maria string, options ...string) *exec.Cmd {
	t.Helper()
	if d.Kind == "mysql" {
		return d.command(programPath(maria), append([]string{"--no-defaults", "--socket=" + d.Socket, "--user=root"}, append(options, d.Name)...)...)
	}
	_, port, _ := strings.Cut(d.Host, ":")
	cmd := d.command(programPath(postgres), "--host="+d.Socket, "--port="+port, "--username="+d.User, "--dbname="+d.Name)
	if postgres == "psql" {
		cmd.Args = append(cmd.Args, "--quiet", "--output=/dev/null")
	}
	cmd.Env = append(cmd.Env, "PGPASSWORD="+d.Password, "PSQLRC=/dev/null")
	return cmd
}

// DatabaseWorld starts a database server (see StartDatabase) that holds the
// test world of MLflow 3. In dir are its artifacts.
func DatabaseWorld(t testing.TB, kind string) (d *DatabaseServer, dir string, ids WorldIDs) {
	t.Helper()
	dir, ids = WorldStore(t, MLflow3, kind)
	d = StartDatabase(t, kind)
	d.restore(t, filepath.Join(dir, dumpFile))
	return d, dir, ids
}

// URI is the address of the database as SQLAlchemy spells it, with a driver
// that the tests' MLflow has and options, or none.
func (d *DatabaseServer) URI(options string) string {
	return d.URIOf(d.User, d.Password, options)
}

// URIOf is URI for another user.
func (d *DatabaseServer) URIOf(name, password, options string) string {
	scheme := map[string]string{"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}[d.Kind]
	login := strings.ReplaceAll(url.QueryEscape(name)+":"+url.QueryEscape(password), "+", "%20")
	if options != "" {
		options = "?" + options
	}
	return fmt.Sprintf("%s://%s@%s/%s%s", scheme, login, d.Host, d.Name, options)
}

// Exec runs a statement as the user that may do all.
func (d *DatabaseServer) Exec(t testing.TB, statement string, values ...any) {
	t.Helper()
	driver, source := "pgx", (&url.URL{Scheme: "postgres", User: url.UserPassword(d.User, d.Password), Host: d.Host, Path: d.Name}).String()
	if d.Kind == "mysql" {
		driver, source = "mysql", "root@unix("+d.Socket+")/"+d.Name
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, values...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
