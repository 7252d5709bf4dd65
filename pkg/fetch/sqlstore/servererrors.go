package sqlstore

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// serverFault says in our words what a database server, or the way to it,
// did; nil for errors that did not come from there. No error of a driver is
// shown as a whole: it may hold the address with its password.
func serverFault(name string, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return postgresFault(name, pg)
	}
	if n, ok := mysqlNumber(err); ok {
		return mysqlFault(name, n, err)
	}
	var connect *pgconn.ConnectError
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, mysql.ErrNoTLS), isTLS(err):
		return refuse(mlflow.ErrUnavailable, "there is no safe connection to the database "+name+": "+reasonOf(err),
			"check the options about TLS in its address, such as sslmode and sslrootcert (PostgreSQL) or ssl_ca (MySQL)")
	case errors.As(err, &op), errors.As(err, &dns), errors.As(err, &connect):
		return refuse(mlflow.ErrUnavailable, "the database "+name+" cannot be reached: "+reasonOf(err),
			"check host and port, and that the server runs and may be reached from here")
	case isCutOff(err), errors.Is(err, sql.ErrTxDone):
		return refuse(mlflow.ErrUnavailable, "the database "+name+" ended the connection while it was read",
			"run it again when the server is there; its log may say why")
	}
	return nil
}

// isCutOff tells a connection that ended while an answer was waited for.
func isCutOff(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	return errors.As(err, &verify) || errors.As(err, &host) || errors.As(err, &authority) || errors.As(err, &alert) || errors.As(err, &record) ||
		strings.Contains(err.Error(), "server refused TLS connection")
}

// reasonOf is the innermost part of an error that says why, on one line.
func reasonOf(err error) string {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "the host " + dns.Name + " is not known (" + dns.Err + ")"
	case errors.As(err, &op):
		return oneLine(op.Err.Error())
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
		return reasonOf(many.Unwrap()[0])
	}
	return oneLine(err.Error())
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

const loginHint = "check user and password: in the address (from ${env:NAME} or ${file:PATH}), or in the password file"

// postgresFault reads SQLSTATE, which is the same in all languages.
func postgresFault(name string, e *pgconn.PgError) error {
	switch {
	case e.Code == "28P01" || e.Code == "28000":
		return refuse(mlflow.ErrDenied, "the database "+name+" refused the login: "+oneLine(e.Message), loginHint)
	case e.Code == "42501":
		return refuse(mlflow.ErrDenied, "the database "+name+" may not be read: "+oneLine(e.Message), "ask for GRANT SELECT ON ALL TABLES IN SCHEMA ... TO this user")
	case e.Code == "3D000":
		return refuse(mlflow.ErrNotFound, "there is no database "+name+": "+oneLine(e.Message), "check the name behind the last slash")
	case e.Code == "57014":
		return refuse(mlflow.ErrUnavailable, "a query of the database "+name+" took too long", "allow more time (limits: {timeout: 10m}), or ask a replica")
	}
	return refuse(mlflow.ErrUnavailable, "reading the database "+name+": "+oneLine(e.Message)+" (SQLSTATE "+e.Code+")", "")
}

func mysqlFault(name string, number uint16, err error) error {
	var e *mysql.MySQLError
	errors.As(err, &e)
	message := oneLine(e.Message)
	switch {
	case number == 1045 || number == 1698:
		return refuse(mlflow.ErrDenied, "the database "+name+" refused the login: "+message, loginHint)
	case slices.Contains([]uint16{1044, 1142, 1143, 1227, 1370}, number):
		return refuse(mlflow.ErrDenied, "the database "+name+" may not be read: "+message, "ask for GRANT SELECT on its tables to this user")
	case number == 1049:
		return refuse(mlflow.ErrNotFound, "there is no database "+name+": "+message, "check the name behind the last slash")
	case slices.Contains([]uint16{3024, 1969}, number):
		return refuse(mlflow.ErrUnavailable, "a query of the database "+name+" took too long", "allow more time (limits: {timeout: 10m}), or ask a replica")
	}
	return refuse(mlflow.ErrUnavailable, "reading the database "+name+": "+message, "")
}
