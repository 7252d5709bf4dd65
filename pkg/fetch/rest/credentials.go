package rest

import (
	"net/url"
	"strings"
)

// Credentials are a user name with its password, or a token, and where they
// came from. The zero value: none.
type Credentials struct {
	Username, Password, Token string
	From                      string // for messages, such as `~/.netrc`
}

// CredentialSources are the places where MLflow's Python client looks for
// credentials. The caller reads them; nothing here does.
type CredentialSources struct {
	Username, Password, Token string // MLFLOW_TRACKING_USERNAME, _PASSWORD, _TOKEN
	File                      []byte // content of ~/.mlflow/credentials
	Netrc                     []byte // content of the netrc file
	NetrcName                 string // for messages; default `~/.netrc`
}

// For picks the credentials for a server as MLflow does: the netrc entry of
// its host (or the file's `default`), else the user name and the password,
// each from the environment or else from the credentials file, else the token.
// User info in the address beats them all; NewClient sees to that.
func (s CredentialSources) For(trackingURI string) Credentials {
	if u, err := url.Parse(trackingURI); err == nil {
		if c, ok := parseNetrc(s.Netrc, u.Hostname()); ok {
			c.From = s.NetrcName
			setDefault(&c.From, "~/.netrc")
			return c
		}
	}
	file := parseCredentialsFile(s.File)
	c := Credentials{Username: s.Username, Password: s.Password}
	userFrom, passwordFrom := "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
	if c.Username == "" {
		c.Username, userFrom = file.Username, file.From
	}
	if c.Password == "" {
		c.Password, passwordFrom = file.Password, file.From
	}
	switch {
	case c.Username != "" && c.Password != "" && userFrom == passwordFrom:
		c.From = userFrom
	case c.Username != "" && c.Password != "":
		c.From = userFrom + " and " + passwordFrom
	case s.Token != "":
		return Credentials{Token: s.Token, From: "MLFLOW_TRACKING_TOKEN"}
	default:
		return Credentials{}
	}
	return c
}

// parseCredentialsFile reads the section `[mlflow]` of a file that Python's
// configparser reads: `key = value` or `key: value`, keys in any case.
func parseCredentialsFile(content []byte) Credentials {
	c := Credentials{From: "~/.mlflow/credentials"}
	section := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			section, _, _ = strings.Cut(name, "]")
			continue
		}
		i := strings.IndexAny(line, "=:")
		if section != "mlflow" || i < 0 {
			continue
		}
		value := strings.ReplaceAll(strings.TrimSpace(line[i+1:]), "%%", "%")
		switch strings.ToLower(strings.TrimSpace(line[:i])) {
		case "mlflow_tracking_username":
			c.Username = value
		case "mlflow_tracking_password":
			c.Password = value
		}
	}
	return c
}

// parseNetrc finds the last entry of a host, or else the `default` one.
func parseNetrc(content []byte, host string) (Credentials, bool) {
	entries := map[string]*Credentials{}
	var entry *Credentials
	for text := string(content); ; {
		var token, value string
		token, text = netrcToken(text)
		switch token {
		case "":
			return netrcEntry(entries, strings.ToLower(host))
		case "machine":
			value, text = netrcToken(text)
			entry = &Credentials{}
			entries["machine "+value] = entry
		case "default":
			entry = &Credentials{}
			entries["default"] = entry
		case "macdef":
			_, text, _ = strings.Cut(text, "\n\n")
		case "login", "user", "account", "password":
			value, text = netrcToken(text)
			entry.setNetrc(token, value)
		default:
			if strings.HasPrefix(token, "#") {
				_, text, _ = strings.Cut(text, "\n")
			}
		}
	}
}

func netrcEntry(entries map[string]*Credentials, host string) (Credentials, bool) {
	c := entries["machine "+host]
	if c == nil {
		c = entries["default"]
	}
	if host == "" || c == nil || c.Username == "" && c.Password == "" {
		return Credentials{}, false
	}
	return *c, true
}

func (c *Credentials) setNetrc(key, value string) {
	switch {
	case c == nil: // before the first machine
	case key == "password":
		c.Password = value
	case key != "account" || c.Username == "":
		c.Username = value
	}
}

// netrcToken cuts off the first word, which ends at white space or stands in
// double quotes; a backslash takes the next character as it is.
func netrcToken(text string) (token, rest string) {
	text = strings.TrimLeft(text, " \t\r\n")
	quoted := strings.HasPrefix(text, `"`)
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && i == 0:
		case quoted && c == '"', !quoted && strings.IndexByte(" \t\r\n", c) >= 0:
			if quoted {
				i++
			}
			return b.String(), text[i:]
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
