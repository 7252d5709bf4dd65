package sqlstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// connectTimeout is how long a connection may take to be made.
func (o Options) connectTimeout() time.Duration {
	if o.ConnectTimeout > 0 {
		return o.ConnectTimeout
	}
	return 10 * time.Second
}

// statementTimeout is how long a query may take.
func (o Options) statementTimeout() time.Duration {
	if o.StatementTimeout > 0 {
		return o.StatementTimeout
	}
	return 5 * time.Minute
}

// isServer tells the address of a database server from that of a file.
func isServer(uri string) bool { return mlflow.IsDatabaseServer(mlflow.SchemeOf(uri)) }

// openServer connects to a database server and looks at its tables.
func (s *Store) openServer(ctx context.Context, o Options) error {
	d, ok := mlflow.ParseDatabaseURI(o.URI)
	if !ok {
		return refuse(mlflow.ErrInvalid, "the address of a database cannot be read: "+mlflow.Redact(o.URI),
			"write postgresql://user@host:5432/database; in a user name and a password, write @ : / and % as %40 %3A %2F and %25")
	}
	if !d.HasPassword && o.Password != "" {
		d.Password = o.Password
	}
	if d.User == "" {
		d.User = o.User
	}
	s.path = d.Shown()
	var err error
	switch d.Dialect {
	case "postgresql", "postgres":
		s.dialect = postgresDialect()
		s.db, err = openPostgres(d, o)
	case "mysql", "mariadb":
		if d.Database == "" {
			return refuse(mlflow.ErrInvalid, "the address "+s.path+" names no database", "write mysql://user@host/database")
		}
		s.dialect = mysqlDialect()
		s.db, err = openMySQL(d, o)
	default:
		return refuse(mlflow.ErrUnsupported, "a database of the kind "+d.Dialect+" is not read by mlreport",
			"give the address of the MLflow server in front of it, as https://host")
	}
	if err != nil {
		return err
	}
	s.limits.statement = o.statementTimeout()
	limitPool(s.db, o.Connections)
	s.schema, err = probe(ctx, s.db, s.dialect)
	if err != nil {
		return errors.Join(cutOr(ctx, fault(s.path, err)), s.db.Close())
	}
	return nil
}

// limitPool keeps a batch from taking a server's connections from others. What
// asks for one while all are taken waits; nobody who has one waits for another.
func limitPool(db *sql.DB, n int) {
	if n <= 0 {
		n = 4
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(time.Minute)
}

// optionsOf checks the options of an address. Those that are idle change
// nothing here.
func optionsOf(d mlflow.DatabaseURI, known, idle []string) (map[string]string, error) {
	set := map[string]string{}
	for name, values := range d.Options {
		switch {
		case len(values) > 1:
			return nil, refuseOption(d, name, "it is there more than once")
		case slices.Contains(known, name):
			set[name] = values[0]
		case !slices.Contains(idle, name):
			return nil, refuseOption(d, name, "known are "+strings.Join(known, ", "))
		}
	}
	return set, nil
}

func refuseOption(d mlflow.DatabaseURI, name, why string) error {
	return refuse(mlflow.ErrInvalid, "the option "+name+" in the address of "+d.Shown()+" is not one that can be served", why)
}

func badOption(d mlflow.DatabaseURI, err error) error {
	why := oneLine(err.Error())
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) { // it quotes the settings first
		why = why[strings.LastIndex(why, "`: ")+len("`: "):]
	}
	return refuse(mlflow.ErrInvalid, "the address of "+d.Shown()+" cannot be used: "+why, "")
}

// authorities reads certificates of authorities.
func authorities(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, errors.New("there is no certificate in " + path)
	}
	return pool, nil
}

// verifyChain checks who signed a server's certificate, and not its name.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(o)
		return err
	}
}
