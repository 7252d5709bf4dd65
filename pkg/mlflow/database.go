package mlflow

import (
	"net/url"
	"strings"
)

// A DatabaseURI is the address of a database server, read as SQLAlchemy reads
// it: `postgresql+psycopg2://user:password@host:5432/mlflow?sslmode=require`.
type DatabaseURI struct {
	Dialect string // lower case: postgresql, postgres, mysql, ...
	Driver  string // what follows a `+`, or ""

	User, Password string     // decoded
	HasPassword    bool       // also when it is empty
	Host           string     // without brackets; "" is the driver's default
	Port           string     // as written, or ""
	Database       string     // as written: SQLAlchemy decodes nothing here
	Options        url.Values // the query, decoded
}

// IsDatabaseServer tells whether a scheme is that of a database server in
// SQLAlchemy, with or without a driver.
func IsDatabaseServer(scheme string) bool {
	dialect, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	switch dialect {
	case "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle":
		return true
	}
	return false
}

// ParseDatabaseURI reads the address of a database server; ok is false for
// anything else, and for one that cannot be read.
func ParseDatabaseURI(uri string) (d DatabaseURI, ok bool) {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found || !IsDatabaseServer(scheme) {
		return d, false
	}
	d.Dialect, d.Driver, _ = strings.Cut(strings.ToLower(scheme), "+")
	ok = true
	decode := func(s string) string {
		v, err := url.PathUnescape(s)
		ok = ok && err == nil
		return v
	}
	start, end := UserInfo(uri)
	if end > start {
		user, password, has := strings.Cut(uri[start:end], ":")
		d.User, d.Password, d.HasPassword = decode(user), decode(password), has
		rest = uri[end+1:]
	}
	rest, query, _ := strings.Cut(rest, "?")
	place, database, _ := strings.Cut(rest, "/")
	d.Database = database
	d.Host, d.Port, _ = strings.Cut(place, ":")
	if inside, after, found := strings.Cut(place, "]"); found && strings.HasPrefix(inside, "[") {
		d.Host, d.Port = inside[1:], strings.TrimPrefix(after, ":")
	}
	options, err := url.ParseQuery(query)
	d.Options = options
	return d, ok && err == nil
}

// Shown is the address without what may be secret: user, password and options.
func (d DatabaseURI) Shown() string {
	s := d.Dialect
	if d.Driver != "" {
		s += "+" + d.Driver
	}
	host := d.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if d.Port != "" {
		host += ":" + d.Port
	}
	return s + "://" + host + "/" + d.Database
}

// UserInfo finds `user:password` in a URI: it is uri[start:end], and an `@`
// follows. Both are 0 when there is none. In the address of a database, where
// SQLAlchemy lets a password hold anything but an `@`, it ends at the last `@`
// that is not in the query, so that nothing of a password is taken for a host.
func UserInfo(uri string) (start, end int) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return 0, 0
	}
	at := -1
	if IsDatabaseServer(scheme) {
		at = loginEnd(rest)
	} else {
		place := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			place = rest[:i]
		}
		at = strings.LastIndexByte(place, '@')
	}
	if at < 0 {
		return 0, 0
	}
	start = len(scheme) + len("://")
	return start, start + at
}

// loginEnd is where the login of a database's address ends, or -1.
func loginEnd(rest string) int {
	at := strings.IndexByte(rest, '@')
	if colon := strings.IndexAny(rest, ":/?"); at < 0 || colon >= 0 && colon < at && rest[colon] != ':' {
		return -1 // the `@` stands behind the host
	}
	for {
		more := strings.IndexByte(rest[at+1:], '@')
		if _, query, ok := strings.Cut(rest[at+1:at+1+max(more, 0)], "?"); more < 0 || ok && strings.Contains(query, "=") {
			return at
		}
		at += 1 + more
	}
}
