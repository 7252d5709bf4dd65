package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func postgresDialect() dialect {
	return dialect{
		quote: `"`, rows: "VALUES ", bytes: `% COLLATE "C"`, escapes: true, numbered: true, noZero: true, fragile: true,
		// What the search path shows, whoever may read it: information_schema
		// would hide what this user may not read.
		tables: "SELECT c.relname::text, a.attname::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid" +
			" WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND pg_catalog.pg_table_is_visible(c.oid) AND c.relname::text IN (%)",
		noTable: "check the database's name; tables of a schema that is not in the user's search path are found with ?options=-csearch_path%3DSCHEMA",
		start:   startPostgres,
	}
}

// startPostgres sets what a pooler between (PgBouncer) would refuse as a
// parameter of the connection.
func startPostgres(ctx context.Context, conn *sql.Conn, l limits) (*sql.Tx, error) {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "SET LOCAL statement_timeout = "+strconv.FormatInt(l.statement.Milliseconds(), 10)); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// postgresOptions are those that libpq has and pgx reads as libpq does.
func postgresOptions() []string {
	return []string{
		"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation", "sslsni", "channel_binding", "require_auth",
		"connect_timeout", "application_name", "options", "target_session_attrs", "passfile", "service",
	}
}

// postgresIdle are options that change nothing here: how a connection is kept
// alive, and the encoding, which is always UTF-8.
func postgresIdle() []string {
	return []string{"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "client_encoding", "fallback_application_name"}
}

// openPostgres makes a pool of connections. What the address does not say
// comes from where libpq takes it: PGSSLMODE and the other PG variables, the
// password file, the service file. The driver reads these itself.
func openPostgres(d mlflow.DatabaseURI, o Options) (*sql.DB, error) {
	set := map[string]string{"host": d.Host, "port": d.Port, "dbname": d.Database, "user": d.User, "password": d.Password}
	options, err := optionsOf(d, postgresOptions(), postgresIdle())
	if err != nil {
		return nil, err
	}
	maps.Copy(set, options)
	var conn strings.Builder
	for name, value := range set {
		if value != "" {
			conn.WriteString(name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "' ")
		}
	}
	if set["password"] == "" && set["service"] == "" && !o.OwnEnvironment {
		conn.WriteString("password='' ") // hides PGPASSWORD, which is meant for another server
	}
	config, err := pgx.ParseConfig(conn.String())
	if err != nil {
		return nil, badOption(d, err)
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > o.connectTimeout() {
		config.ConnectTimeout = o.connectTimeout()
		config.DialFunc = (&net.Dialer{Timeout: o.connectTimeout()}).DialContext
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "mlreport"
	}
	// Statements without a name: poolers give each transaction another
	// connection, where names of before are not known.
	config.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	return stdlib.OpenDB(*config), nil
}
