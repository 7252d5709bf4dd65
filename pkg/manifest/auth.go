package manifest

import (
	"strings"
)

// Auth is how to log in to a host; empty when the environment says it. At most
// one way is set: Username with Password, Token, ClientID with ClientSecret,
// SigV4, or Profile alone.
type Auth struct {
	Username, Password string // both or none
	Token              string // a bearer token, or a personal access token of Databricks

	// Of Databricks only: the stores `databricks` and `databricks-uc`.
	Host                   string // address of the workspace, such as https://adb-1.2.azuredatabricks.net; "" when a profile or the environment says it
	ClientID, ClientSecret string // of a service principal (OAuth, machine to machine); both or none
	Profile                string // a section of ~/.databrickscfg; with SigV4, of ~/.aws/config

	SigV4  bool   // requests are signed for AWS, with the credentials of Amazon's default chain
	Region string // with SigV4: of the gateway; "" when the environment, the profile or the address says it
}

func (p *parser) auth(f field) Auth {
	a, has := Auth{}, map[string]bool{}
	p.mapping(f, "auth", p.authKeys(&a, has))
	both := func(one, other string) {
		if has[one] != has[other] {
			p.wrong(f.node, "auth needs both "+one+" and "+other, "")
		}
	}
	var ways []string
	for _, way := range [][]string{{"username", "password"}, {"token"}, {"client-id", "client-secret"}, {"aws-sigv4"}, {"profile"}} {
		if way[0] == "profile" && a.SigV4 {
			continue // it says whose keys sign
		}
		for _, name := range way {
			if has[name] && (len(ways) == 0 || !strings.HasPrefix(ways[len(ways)-1], way[0])) {
				ways = append(ways, strings.Join(way, " and "))
			}
		}
	}
	if len(ways) > 1 {
		p.wrong(f.node, "auth has several ways to log in: "+strings.Join(ways, "; "), "keep one of them")
	} else {
		both("username", "password")
		both("client-id", "client-secret")
	}
	if a.Region != "" && !a.SigV4 {
		p.wrong(f.node, "auth: region is of use with aws-sigv4 only", "write aws-sigv4: true beside it, or leave it out")
	}
	return a
}

func (p *parser) authKeys(a *Auth, has map[string]bool) []key {
	plain := func(name string, to *string) key {
		return key{name: name, read: func(f field) {
			has[name] = true
			t, ok := p.text(f)
			if ok && hasControl(t.value()) {
				p.wrong(f.node, f.key+" has a line break or another control character in it", "")
			}
			*to = t.value()
		}}
	}
	secret := func(name string, to *string) key {
		return key{name: name, read: func(f field) {
			has[name] = true
			*to = p.secret(f)
		}}
	}
	return []key{
		plain("username", &a.Username),
		secret("password", &a.Password),
		secret("token", &a.Token),
		{name: "host", read: func(f field) { a.Host = p.webAddress(f) }},
		plain("client-id", &a.ClientID),
		secret("client-secret", &a.ClientSecret),
		plain("profile", &a.Profile),
		plain("region", &a.Region),
		{name: "aws-sigv4", read: func(f field) {
			has["aws-sigv4"] = true
			a.SigV4, _ = p.truth(f)
		}},
	}
}

// authFits holds a login against the kind of store that it is for.
func (p *parser) authFits(h *hostDraft) {
	if h.auth == nil || h.Tracking == "" {
		return
	}
	databricks := isDatabricks(h.Tracking) || isDatabricks(h.Registry)
	if a := h.Auth; !databricks && (a.Host != "" || a.ClientID != "" || a.Profile != "" && !a.SigV4) {
		p.wrong(h.auth, "auth: host, client-id and profile are about Databricks, which this host is not", "write tracking: databricks (and registry: databricks-uc)")
	}
	server := func(uri string) bool {
		scheme, _, _ := strings.Cut(strings.ToLower(uri), ":")
		return isServer(scheme)
	}
	if h.Auth.SigV4 && !(server(h.Tracking) && (h.Registry == "" || server(h.Registry))) {
		p.wrong(h.auth, "auth: aws-sigv4 is about servers, whose address begins with https://", "leave it out")
	}
}

func isDatabricks(uri string) bool {
	scheme, _, _ := strings.Cut(uri, ":")
	return scheme == "databricks" || scheme == "databricks-uc"
}

// secret reads a value no part of which may stand in the manifest.
func (p *parser) secret(f field) string {
	t, ok := p.text(f)
	if ok && !t.only(0, len(t.value()), fromOutside) {
		p.wrong(f.node, f.key+" must not stand here in clear", fillHint)
	}
	if ok && hasControl(t.value()) {
		p.wrong(f.node, f.key+" has a line break or another control character in it", "")
	}
	return t.value()
}
