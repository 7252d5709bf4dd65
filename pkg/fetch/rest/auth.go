package rest

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A login is what is sent as Authorization, and where it came from.
type login struct {
	user, password string
	basic          bool
	token          string
	other          string // the header as it is in Options.Headers
	renewed        bool   // Options.Authenticate adds it
	from           string
}

// chooseLogin picks as MLflow's client does: user info of the address, then
// user name with password, then the token. A user name or a password alone
// counts for nothing.
func chooseLogin(o Options, info *url.Userinfo) login {
	if o.Authenticate != nil {
		return login{renewed: true, from: o.CredentialsFrom}
	}
	if password, ok := info.Password(); ok {
		return login{user: info.Username(), password: password, basic: true, from: "the address"}
	}
	switch {
	case o.Username != "" && o.Password != "":
		return login{user: o.Username, password: o.Password, basic: true, from: o.CredentialsFrom}
	case o.Token != "":
		return login{token: o.Token, from: o.CredentialsFrom}
	}
	for name, value := range o.Headers {
		if strings.EqualFold(name, "Authorization") {
			return login{other: value, from: "the header Authorization"}
		}
	}
	return login{}
}

// header is the value of Authorization, or "".
func (l login) header() string {
	switch {
	case l.basic:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.user+":"+l.password))
	case l.token != "":
		return "Bearer " + l.token
	}
	return l.other
}

// describe says where the login came from, never what it is.
func (l login) describe() string {
	switch {
	case l.header() == "" && !l.renewed:
		return "no credentials"
	case l.from == "":
		return "credentials given"
	}
	return "credentials from " + l.from
}

// splitAddress checks the tracking URI and takes the user info out of it. The
// address is not quoted in errors: what is wrong with it may be that a secret
// stands in the wrong place.
func splitAddress(o Options) (*url.URL, login, error) {
	wrong := func(what string) (*url.URL, login, error) {
		return nil, login{}, &mlflow.Error{
			Err:  mlflow.Reason(mlflow.ErrInvalid, "the server's address%s %s", fromClause(o.AddressFrom), what),
			Hint: "write it as http://host:5000 or https://host/prefix",
		}
	}
	u, err := url.Parse(strings.TrimSpace(o.TrackingURI))
	switch {
	case err != nil:
		return wrong("cannot be read as a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong("does not begin with http:// or https://")
	case u.Hostname() == "":
		return wrong("names no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return wrong("has a query (`?`) or a fragment (`#`)")
	}
	l := chooseLogin(o, u.User)
	base := *u
	base.User = nil
	base.Path, base.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return &base, l, nil
}

func fromClause(from string) string {
	if from == "" {
		return ""
	}
	return " (from " + from + ")"
}

// describeHost is how messages name the server.
func describeHost(base *url.URL, from string, l login) string {
	if from == "" {
		return base.String() + " (" + l.describe() + ")"
	}
	return base.String() + " (address from " + from + ", " + l.describe() + ")"
}

// checkHeaders refuses what net/http would refuse with every request.
func checkHeaders(headers map[string]string, l login) error {
	for name, value := range headers {
		if name == "" || strings.ContainsFunc(name, notToken) {
			return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrInvalid, "%q cannot be the name of a header", name), Hint: "a header name has letters, digits and hyphens"}
		}
		if strings.ContainsFunc(value, isControl) {
			return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrInvalid, "the value of header %s holds a control character", name)}
		}
	}
	if strings.ContainsFunc(l.token, isControl) {
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrInvalid, "the token%s holds a control character", fromClause(l.from)),
			Hint: "a line break at its end? write the token without one"}
	}
	return nil
}

func notToken(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }

// redactor removes secrets from what a server or the network says. Short
// values of headers stay: they are words rather than secrets, and removing
// them would garble the text.
func redactor(headers map[string]string, l login) *strings.Replacer {
	var pairs []string
	hide := func(secret string, least int) {
		if len(secret) >= least {
			pairs = append(pairs, secret, "***", url.QueryEscape(secret), "***", url.PathEscape(secret), "***")
		}
	}
	_, credentials, _ := strings.Cut(l.header(), " ")
	hide(credentials, 1)
	hide(l.password, 1)
	for _, v := range headers {
		hide(v, 8)
	}
	return strings.NewReplacer(pairs...)
}
