package sqlstore

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func mysqlDialect() dialect {
	return dialect{
		quote: "`", bytes: "CAST(CONVERT(% USING utf8mb4) AS BINARY)", escapes: true,
		tables:  "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN (%)",
		noTable: "check the database's name, and that the user may read its tables: GRANT SELECT ON DATABASE.* TO 'USER'@'HOST'",
		noGrant: "; or the user may not read them: GRANT SELECT ON DATABASE.* TO 'USER'@'HOST'",
		start:   startMySQL,
	}
}

// startMySQL limits the time of statements: MySQL reads the first comment and
// MariaDB the second, each in its own unit.
func startMySQL(ctx context.Context, conn *sql.Conn, l limits) (*sql.Tx, error) {
	limit := "SET /*!50708 max_execution_time=" + strconv.FormatInt(l.statement.Milliseconds(), 10) + " */" +
		"/*M!100101 max_statement_time=" + strconv.FormatFloat(l.statement.Seconds(), 'f', -1, 64) + " */"
	if _, err := conn.ExecContext(ctx, limit); err != nil {
		return nil, err
	}
	return conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// mysqlOptions are those of PyMySQL and mysqlclient that mean something here.
func mysqlOptions() []string {
	return []string{
		"connect_timeout", "read_timeout", "unix_socket",
		"ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "ssl_check_hostname", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity",
	}
}

// mysqlIdle are options that change nothing here: text is always utf8mb4.
func mysqlIdle() []string {
	return []string{"charset", "use_unicode", "binary_prefix", "write_timeout", "autocommit", "compress"}
}

// openMySQL makes a pool of connections. Nothing comes from the environment,
// and no option file is read.
func openMySQL(d mlflow.DatabaseURI, o Options) (*sql.DB, error) {
	set, err := optionsOf(d, mysqlOptions(), mysqlIdle())
	if err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.Logger = &mysql.NopLogger{}
	c.User, c.Passwd, c.DBName = d.User, d.Password, d.Database
	c.Net, c.Addr = "tcp", net.JoinHostPort(orElse(d.Host, "localhost"), orElse(d.Port, "3306"))
	if set["unix_socket"] != "" {
		c.Net, c.Addr = "unix", set["unix_socket"]
	}
	c.Timeout, c.ReadTimeout = o.connectTimeout(), o.statementTimeout()+10*time.Second
	for name, to := range map[string]*time.Duration{"connect_timeout": &c.Timeout, "read_timeout": &c.ReadTimeout} {
		if v, ok := set[name]; ok {
			n, err := strconv.ParseUint(v, 10, 31)
			if err != nil || n == 0 {
				return nil, refuseOption(d, name, "it takes a number of seconds")
			}
			*to = time.Duration(n) * time.Second
		}
	}
	if c.TLS, c.AllowFallbackToPlaintext, err = mysqlTLS(d, set); err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, badOption(d, err)
	}
	return sql.OpenDB(connector), nil
}

// mysqlTLS reads the TLS options: without any, a connection is encrypted where
// the server can, as with mysqlclient; an authority means that the server's
// certificate is checked, and for PyMySQL its name, too.
func mysqlTLS(d mlflow.DatabaseURI, set map[string]string) (c *tls.Config, fallback bool, err error) {
	mode := strings.ToUpper(set["ssl_mode"])
	yes := func(name string) bool {
		return slices.Contains([]string{"true", "1", "yes"}, strings.ToLower(set[name]))
	}
	switch {
	case mode != "":
	case yes("ssl_disabled"):
		mode = "DISABLED"
	case yes("ssl_verify_identity"), set["ssl_ca"] != "" && d.Driver == "pymysql" && (set["ssl_check_hostname"] == "" || yes("ssl_check_hostname")):
		mode = "VERIFY_IDENTITY"
	case yes("ssl_verify_cert"), set["ssl_ca"] != "":
		mode = "VERIFY_CA"
	case set["ssl_cert"] != "":
		mode = "REQUIRED"
	default:
		mode = "PREFERRED"
	}
	c = &tls.Config{ServerName: orElse(d.Host, "localhost"), MinVersion: tls.VersionTLS12}
	if set["ssl_cert"] != "" {
		pair, err := tls.LoadX509KeyPair(set["ssl_cert"], orElse(set["ssl_key"], set["ssl_cert"]))
		if err != nil {
			return nil, false, badOption(d, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if set["ssl_ca"] != "" {
		if c.RootCAs, err = authorities(set["ssl_ca"]); err != nil {
			return nil, false, badOption(d, err)
		}
	}
	switch mode {
	case "DISABLED":
		return nil, false, nil
	case "PREFERRED", "REQUIRED":
		c.InsecureSkipVerify = true // as these modes say: the connection is encrypted, nobody is checked
		return c, mode == "PREFERRED", nil
	case "VERIFY_CA":
		c.InsecureSkipVerify, c.VerifyConnection = true, verifyChain(c.RootCAs)
		return c, false, nil
	case "VERIFY_IDENTITY":
		return c, false, nil
	}
	return nil, false, refuseOption(d, "ssl_mode", "it is DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// mysqlNumber is the number of an error that a MySQL server sent.
func mysqlNumber(err error) (uint16, bool) {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number, true
	}
	return 0, false
}
