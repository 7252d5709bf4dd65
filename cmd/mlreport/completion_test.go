package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// needs skips a test, loudly, where a program is missing that scripts/shells
// installs; it fails where CI=true.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing; scripts/shells installs it", program)
		}
		t.Skipf("SKIPPED: %s is missing; scripts/shells installs it", program)
	}
}

// generated is a file with what a command generates.
func generated(t *testing.T, args ...string) string {
	t.Helper()
	out, stderr, code := command(t, ".", nil, args...)
	if code != exitOK || stderr != "" {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr)
	}
	file := filepath.Join(t.TempDir(), "generated")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// completions are typed words, the last one not finished, and what a shell
// must offer among other things, or must not.
func completions() []struct{ typed, offered, other string } {
	return []struct{ typed, offered, other string }{
		{"mlreport va", "validate", "run"},
		{"mlreport get-mo", "get-model-version", "get-run"},
		{"mlreport run --ou", "--out", "--depth"},
		{"mlreport find --de", "--depth", "--out"},
		{"mlreport show -q --a", "--all-rows", "--depth"},
		{"mlreport show --output m", "markdown", "json"},
		{"mlreport --output j", "json", "csv"},
		{"mlreport schema r", "report", "manifest"},
		{"mlreport -q completion f", "fish", "zsh"},
		{"mlreport run model", "models.yaml", "other.db"},
		{"mlreport validate --quiet oth", "other.db", "models.yaml"},
		{"mlreport run --tracking-uri oth", "other.db", "models.yaml"},
	}
}

// complete checks what a shell offers in a folder with files; offers runs it.
func complete(t *testing.T, offers func(dir, typed string) []string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"models.yaml", "other.db"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range completions() {
		got := offers(dir, c.typed)
		if !slices.Contains(got, c.offered) || slices.Contains(got, c.other) {
			t.Errorf("%q: %q is offered, want %q and not %q", c.typed, got, c.offered, c.other)
		}
	}
}

// shellOutput runs a program in a folder and returns its lines.
func shellOutput(t *testing.T, dir, program string, args ...string) []string {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "TERM=xterm", "LC_ALL=C.UTF-8")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

func TestBashCompletesCommandsOptionsAndFiles(t *testing.T) {
	needs(t, "bash")
	file := generated(t, "completion", "bash")
	// What bash itself does at a Tab: it calls the function, and takes files where that offers nothing.
	const script = `source "$1"; shift; complete -p mlreport | grep -q -- '-o default -F _mlreport mlreport' || exit 1
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _mlreport
[ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${!#}"))
printf '%s\n' "${COMPREPLY[@]}"`
	complete(t, func(dir, typed string) []string {
		return shellOutput(t, dir, "bash", append([]string{"--norc", "-c", script, "bash", file}, strings.Fields(typed)...)...)
	})
	// bash makes three words of one with a `=`.
	for typed, want := range map[string]string{"mlreport show --output = j": "json", "mlreport run --compat =": "none seed"} {
		got := shellOutput(t, t.TempDir(), "bash", append([]string{"--norc", "-c", script, "bash", file}, strings.Fields(typed)...)...)
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestFishCompletesCommandsOptionsAndFiles(t *testing.T) {
	needs(t, "fish")
	file := generated(t, "completion", "fish")
	complete(t, func(dir, typed string) []string {
		lines := shellOutput(t, dir, "fish", "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, file, typed)
		for i, line := range lines {
			lines[i], _, _ = strings.Cut(line, "\t")
		}
		return lines
	})
}

func TestZshCompletesCommandsOptionsAndFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("a terminal for each completion")
	}
	needs(t, "zsh")
	file := generated(t, "completion", "zsh")
	// A zsh in a terminal of its own: Tab, then a key that prints the line.
	const script = `zmodload zsh/zpty || exit 1
zpty z zsh -f -i
tell() { zpty -w z "$1" }
tell 'PS1=; unsetopt beep; autoload -U compinit; compinit -u -d ~/.zcompdump; source '${(q)1}
tell 'mlreport() { : }; show() { print -r -- "LINE<$BUFFER>" >'${(q)3}'; exit }; zle -N show; bindkey "^X" show'
zpty -w -n z "$2"$'\t\x18'
while zpty -r z line; do :; done
cat $3`
	complete(t, func(dir, typed string) []string {
		line := shellOutput(t, dir, "zsh", "-f", "-c", script, "zsh", file, typed, filepath.Join(t.TempDir(), "line"))
		text := strings.TrimSuffix(strings.TrimPrefix(strings.Join(line, " "), "LINE<"), ">")
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '=' })
		return words[len(words)-1:]
	})
}

func TestTheManualPageIsOneAndNamesAllCommands(t *testing.T) {
	needs(t, "mandoc")
	file := generated(t, "man")
	out, err := exec.CommandContext(t.Context(), "mandoc", "-T", "lint", "-W", "warning", file).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "missing date") { // the same version gives the same bytes
			t.Errorf("%v: %s", err, line)
		}
	}
	page := strings.Join(shellOutput(t, ".", "mandoc", "-T", "ascii", file), "\n")
	for len(page) > 0 && strings.ContainsRune(page, '\b') { // bold letters are written twice
		i := strings.IndexByte(page, '\b')
		page = page[:i-1] + page[i+1:]
	}
	for _, want := range []string{"mlreport run [<what> ...]", "--fail-on=CODE,...", "mlreport get-run --run-id=ID", "EXIT STATUS", "Look at what there is"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in the manual page", want)
		}
	}
	if strings.Contains(page, "--cpuprofile") {
		t.Error("a hidden option is shown")
	}
}
