package main

import (
	"bytes"
	"embed"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"
)

// Templates of what is generated from the command line's model: completions,
// named by their shell, and the manual page.
//
//go:embed shell/*.tmpl
var shellTemplates embed.FS

// completionCmd prints a shell's completion.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash: eval \"$(mlreport completion bash)\" in ~/.bashrc; zsh: eval \"$(mlreport completion zsh)\" in ~/.zshrc; fish: mlreport completion fish | source in config.fish."`
}

// Run prints it.
func (c *completionCmd) Run(s *session, k *kong.Context) error {
	return s.generate(c.Shell, k.Model)
}

// manCmd prints the manual page.
type manCmd struct{}

// Run prints it.
func (manCmd) Run(s *session, k *kong.Context) error {
	return s.generate("man", k.Model)
}

// generate prints what a template makes of the command line's model.
func (s *session) generate(name string, app *kong.Application) error {
	t, err := template.New("").Funcs(template.FuncMap{
		"join": strings.Join, "list": wordNames, "quote": quoteShell, "zsh": zshText, "roff": roffText,
	}).ParseFS(shellTemplates, "shell/"+name+".tmpl")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name+".tmpl", modelOfCLI(app)); err != nil {
		return err
	}
	_, err = s.Stdout.Write(b.Bytes())
	return err
}

// A cliModel is the command line as the templates take it.
type cliModel struct {
	Version string
	About   string
	Root    cliCommand // what a bare mlreport takes
	Common  []cliFlag
	Groups  []cliGroup
}

// Commands are those of all groups.
func (m cliModel) Commands() []cliCommand {
	var out []cliCommand
	for _, g := range m.Groups {
		out = append(out, g.Commands...)
	}
	return out
}

type cliGroup struct {
	Title    string
	Commands []cliCommand
}

type cliCommand struct {
	Name, Help string
	Summary    string    // its words, without flags that are not required
	Own        []cliFlag // without the common ones
	Flags      []cliFlag // all that it takes
	Args       []cliArg
	Words      []string // what its argument may be, when there is a choice
	Paths      bool     // its argument may be a path
}

type cliArg struct{ Name, Help string }

type cliFlag struct {
	Name, Short, Help string
	Summary           string   // with its short form and a placeholder
	Value             bool     // a word follows
	Words             []string // what that word may be, when there is a choice
	Folder, Path      bool     // it is a folder, or some path
}

func modelOfCLI(app *kong.Application) cliModel {
	m := cliModel{Version: version(), About: app.Help, Common: flagsOf(app.Node)}
	for _, g := range groups() {
		group := cliGroup{Title: strings.TrimSuffix(g.Title, ":")}
		for _, node := range app.Children {
			if node.Hidden || node.Group == nil || node.Group.Key != g.Key {
				continue
			}
			group.Commands = append(group.Commands, m.command(node))
		}
		if len(group.Commands) > 0 {
			m.Groups = append(m.Groups, group)
		}
	}
	m.Root = m.command(app.DefaultCmd)
	return m
}

func (m cliModel) command(node *kong.Node) cliCommand {
	c := cliCommand{Name: node.Name, Help: node.Help, Summary: strings.TrimSuffix(node.Summary(), " [flags]"), Own: flagsOf(node)}
	c.Flags = append(slices.Clone(c.Own), m.Common...)
	for _, p := range node.Positional {
		c.Args = append(c.Args, cliArg{p.ShortSummary(), p.Help})
		c.Words, c.Paths = choice(p), p.Enum == ""
	}
	return c
}

// flagsOf are the flags of a node that people may see.
func flagsOf(node *kong.Node) []cliFlag {
	var out []cliFlag
	for _, f := range node.Flags {
		if f.Hidden {
			continue
		}
		flag := cliFlag{
			Name: f.Name, Help: f.Help, Summary: f.String(), Value: !f.IsBool(), Words: choice(f.Value),
			Folder: f.PlaceHolder == "DIR", Path: f.PlaceHolder == "FILE" || f.PlaceHolder == "URI",
		}
		if f.Short != 0 {
			flag.Short = string(f.Short)
		}
		out = append(out, flag)
	}
	return out
}

// choice is what a value may be, when there is a choice.
func choice(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// wordNames are the words of flags, or the names of commands, in a line.
func wordNames(of any) string {
	var out []string
	switch of := of.(type) {
	case []cliFlag:
		for _, f := range of {
			if out = append(out, "--"+f.Name); f.Short != "" {
				out = append(out, "-"+f.Short)
			}
		}
	case []cliCommand:
		for _, c := range of {
			out = append(out, c.Name)
		}
	}
	return strings.Join(out, " ")
}

// quoteShell quotes text for fish.
func quoteShell(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// zshText is text within the brackets of _arguments, itself in single quotes.
func zshText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`, `'`, `'\''`).Replace(s)
}

// roffText is text of a manual page: no line of it is taken for a request.
func roffText(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}
