package rest

import "testing"

func TestCredentialsAreFoundWhereMLflowFindsThem(t *testing.T) {
	file := "; comment\n[other]\nmlflow_tracking_username = no\n[mlflow]\nMLflow_Tracking_Username = ann\n# x\nmlflow_tracking_password: p=%%1 \n"
	netrc := "machine mlflow.corp login net password \"n p\"\n"
	for _, test := range []struct {
		name string
		s    CredentialSources
		want Credentials
	}{
		{"nowhere", CredentialSources{}, Credentials{}},
		{"both in the environment", CredentialSources{Username: "u", Password: "p", Token: "t"},
			Credentials{Username: "u", Password: "p", From: "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"}},
		{"token, when one of the two is missing", CredentialSources{Username: "u", Token: "t"}, Credentials{Token: "t", From: "MLFLOW_TRACKING_TOKEN"}},
		{"one alone is nothing", CredentialSources{Password: "p"}, Credentials{}},
		{"credentials file", CredentialSources{File: []byte(file), Token: "t"}, Credentials{Username: "ann", Password: "p=%1", From: "~/.mlflow/credentials"}},
		{"environment before the file, each by itself", CredentialSources{File: []byte(file), Password: "p"},
			Credentials{Username: "ann", Password: "p", From: "~/.mlflow/credentials and MLFLOW_TRACKING_PASSWORD"}},
		{"netrc before them all", CredentialSources{File: []byte(file), Username: "u", Password: "p", Token: "t", Netrc: []byte(netrc)},
			Credentials{Username: "net", Password: "n p", From: "~/.netrc"}},
		{"netrc of another host", CredentialSources{Token: "t", Netrc: []byte("machine corp login a password b")}, Credentials{Token: "t", From: "MLFLOW_TRACKING_TOKEN"}},
		{"netrc at another place", CredentialSources{Netrc: []byte(netrc), NetrcName: "NETRC"}, Credentials{Username: "net", Password: "n p", From: "NETRC"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.s.For("https://MLflow.corp:5000/p"); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestNetrcIsReadAsPythonReadsIt(t *testing.T) {
	for _, test := range []struct {
		name, netrc, user, password string
	}{
		{"one line", "machine h login u password p", "u", "p"},
		{"many lines", "machine g\n login x\n password y\nmachine h\n\tlogin u\n\tpassword p\n", "u", "p"},
		{"user for login", "machine h user u password p", "u", "p"},
		{"account for want of a login", "machine h account a password p", "a", "p"},
		{"account beside a login", "machine h account a login u password p account b", "u", "p"},
		{"quotes and backslashes", `machine h login "a \"b\\" password p\ q`, `a "b\`, "p q"},
		{"a password that looks like a comment", "machine h login u password #p", "u", "#p"},
		{"comments", "# machine h login x password y\nmachine h # login z\n login u #no\n password p", "u", "p"},
		{"macros", "macdef m\nmachine h login x password y\n\nmachine h login u password p", "u", "p"},
		{"default", "default login d password e", "d", "e"},
		{"default behind the host", "machine h login u password p default login d password e", "u", "p"},
		{"last of two", "machine h login x password y machine h login u password p", "u", "p"},
		{"only a password", "machine h password p", "", "p"},
		{"cut off", "machine h login", "", ""},
		{"before any machine", "login u password p", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseNetrc([]byte(test.netrc), "h")
			if got.Username != test.user || got.Password != test.password || ok != (test.user+test.password != "") {
				t.Errorf("got %+v, %t", got, ok)
			}
		})
	}
}
