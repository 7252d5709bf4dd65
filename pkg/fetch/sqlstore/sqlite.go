package sqlstore

import (
	"context"
	"database/sql"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func sqliteDialect() dialect {
	return dialect{
		kind: "SQLite ", quote: `"`, rows: "VALUES ", bytes: "% COLLATE BINARY",
		tables: "SELECT m.name, c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c" +
			" WHERE m.type IN ('table', 'view') AND m.name IN (%)",
		anyText: true, prepares: true,
		noTable: "give the file that the server was started with (--backend-store-uri sqlite:///...), often mlflow.db",
		start:   startSQLite,
	}
}

func startSQLite(ctx context.Context, conn *sql.Conn, l limits) (*sql.Tx, error) {
	if _, err := sqlite.Limit(conn, sqlite3.SQLITE_LIMIT_LENGTH, l.value); err != nil {
		return nil, err
	}
	return conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
}
