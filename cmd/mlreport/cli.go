package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// cli is the command line. Each command has its file.
type cli struct {
	Quiet   bool          `short:"q" help:"Say nothing on stderr but errors."`
	Verbose bool          `short:"v" help:"Say on stderr what is asked of servers and what could not be read."`
	Timeout time.Duration `help:"Give up a request after this time (default: MLFLOW_HTTP_REQUEST_TIMEOUT, else 2m)." placeholder:"2m"`

	Patience string `enum:"auto,interactive,batch" default:"auto" help:"How long to try to reach a server that does not answer: interactive (10 s), batch (all retries), or auto (interactive on a terminal)."`

	LogFormat string `enum:"text,json" default:"text" help:"How to say on stderr what happens: text, for people, or json, one object per line."`

	CPUProfile string `name:"cpuprofile" hidden:"" help:"Write a CPU profile."`
	MemProfile string `name:"memprofile" hidden:"" help:"Write a profile of allocations."`

	Init     initCmd     `cmd:"" group:"make" help:"When there is a store and no manifest yet: writes a first one, with comments and ready to run."`
	Validate validateCmd `cmd:"" group:"make" help:"After a manifest was changed: checks it and asks nobody."`
	Plan     planCmd     `cmd:"" group:"make" help:"Before a run: reads all that run would read and shows what it would change; writes nothing."`
	Run      runCmd      `cmd:"" group:"make" help:"Each night, or now: writes a tree with a report of each model."`
	Retry    retryCmd    `cmd:"" group:"make" help:"After a run that ended with exit code 3: reads what failed once more, as the run did that wrote the tree."`
	Prune    pruneCmd    `cmd:"" group:"make" help:"Once in a while: removes reports whose models are gone from MLflow, or that no entry asks for any more."`

	Overview overviewCmd `cmd:"" default:"withargs" group:"look" help:"First: shows what the store that is here holds, or that of --tracking-uri; mlreport alone does it, too."`
	Find     findCmd     `cmd:"" group:"look" help:"To learn where the stores are: lists every store of MLflow below a folder."`
	Show     showCmd     `cmd:"" group:"look" help:"To understand a model: one version on one screen, or the versions of a name side by side."`

	GetMLflowModel     getMLflowModelCmd     `cmd:"" name:"get-mlflow-model" group:"look" help:"For scripts: prints a model's MLmodel file as JSON."`
	GetMLflowModelWide getMLflowModelWideCmd `cmd:"" name:"get-mlflow-model-wide" group:"look" help:"For scripts: prints the wide report of one model: MLmodel, run, experiment, model version, registered model."`
	GetRun             getRunCmd             `cmd:"" name:"get-run" group:"look" help:"For scripts: prints a run."`
	GetExperiment      getExperimentCmd      `cmd:"" name:"get-experiment" group:"look" help:"For scripts: prints an experiment, and its runs if asked."`
	GetModelVersion    getModelVersionCmd    `cmd:"" name:"get-model-version" group:"look" help:"For scripts: prints a version of a registered model, and its run if asked."`
	GetRegisteredModel getRegisteredModelCmd `cmd:"" name:"get-registered-model" group:"look" help:"For scripts: prints a registered model with its current versions, and their runs if asked."`
	GetLoggedModel     getLoggedModelCmd     `cmd:"" name:"get-logged-model" group:"look" help:"For scripts: prints a logged model of MLflow 3."`

	ListRegisteredModels listRegisteredModelsCmd `cmd:"" name:"list-registered-models" group:"look" help:"To find models: lists registered models, by name, alias, tag or what they lack."`
	ListModelVersions    listModelVersionsCmd    `cmd:"" name:"list-model-versions" group:"look" help:"To find versions: lists model versions, by name, alias, stage or tag."`
	ListExperiments      listExperimentsCmd      `cmd:"" name:"list-experiments" group:"look" help:"To find experiments: lists them, deleted ones if asked."`
	ListRuns             listRunsCmd             `cmd:"" name:"list-runs" group:"look" help:"To find runs: lists them with their metrics, of some experiments or all."`
	ListLoggedModels     listLoggedModelsCmd     `cmd:"" name:"list-logged-models" group:"look" help:"To find models that nobody registered: lists the logged models of MLflow 3."`
	ListArtifacts        listArtifactsCmd        `cmd:"" name:"list-artifacts" group:"look" help:"To see what a model is made of: lists its files, or a run's, or draws them as a tree."`

	Schema     schemaCmd     `cmd:"" group:"other" help:"For editors and checks: prints the JSON Schema of manifests or of reports."`
	Completion completionCmd `cmd:"" group:"other" help:"Once for each shell: prints what makes it complete commands and options."`
	Man        manCmd        `cmd:"" group:"other" help:"Once for each machine: prints the manual page."`
	Version    versionCmd    `cmd:"" group:"other" help:"When something is reported: prints the version of mlreport."`
}

// groups are what commands are for, in the order of the help.
func groups() []kong.Group {
	return []kong.Group{
		{Key: "make", Title: "Make reports:"},
		{Key: "look", Title: "Look at what there is:"},
		{Key: "other", Title: "Other:"},
	}
}

// A session is what a command gets: its surroundings and the common options.
type session struct {
	*env
	cli *cli
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, e *env) int {
	e, flush := e.withRecords(args)
	defer flush()
	u := &tui{env: e}
	c := &cli{}
	exit := -1 // what --help wants
	parser, err := kong.New(c,
		kong.Name("mlreport"),
		kong.Description("Writes down everything MLflow knows about your models: a manifest in, a tree of JSON reports out."),
		kong.Writers(e.Stdout, e.Stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, FlagsLast: true, WrapUpperBound: 120}),
		kong.ExplicitGroups(groups()),
		kong.WithHyphenPrefixedParameters(true),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&session{env: e, cli: c}),
	)
	if err != nil {
		return u.fail(fmt.Errorf("the command line is built wrong: %w", err))
	}
	k, err := parser.Parse(joinBooleans(parser.Model, args))
	switch {
	case exit >= 0: // help was printed
		return exit
	case err != nil:
		return u.fail(usageError(parser.Model, args, err))
	}
	stop, err := c.profiles()
	if err != nil {
		return u.fail(err)
	}
	code := u.fail(k.Run())
	if err := stop(); err != nil {
		return u.fail(err)
	}
	return code
}

// errUsage marks mistakes in the command line and in the environment.
type errUsage struct{ error }

func (e errUsage) Unwrap() error { return e.error }

// usageError says what is wrong with a command line, and which help tells more.
func usageError(app *kong.Application, args []string, err error) error {
	var commands []string
	for _, c := range app.Children {
		commands = append(commands, c.Name)
	}
	i := firstWord(app, args)
	switch {
	case i >= 0 && slices.Contains(commands, args[i]):
		if what, ok := strings.CutPrefix(err.Error(), "expected "); ok && strings.HasPrefix(what, `"<`) {
			err = fmt.Errorf("%s is missing", strings.Trim(what, `"`))
		}
		return &mlflow.Error{Err: errUsage{err}, Hint: "type mlreport " + args[i] + " --help"}
	case strings.HasPrefix(err.Error(), "expected one of "):
		err = errors.New("no command is given")
	case i >= 0 && strings.HasPrefix(err.Error(), "unexpected argument "):
		err = fmt.Errorf("there is no command %q", args[i])
		if near := manifest.Nearest(args[i], commands); near != "" {
			return &mlflow.Error{Err: errUsage{err}, Hint: "did you mean mlreport " + near + "?"}
		}
	}
	return &mlflow.Error{Err: errUsage{err}, Hint: "type mlreport --help"}
}

// firstWord is the index of the command in a command line, or -1: the first
// word that is neither an option nor the value of one.
func firstWord(app *kong.Application, args []string) int {
	for i, a := range args {
		value := i > 0 && slices.ContainsFunc(app.Flags, func(f *kong.Flag) bool { return args[i-1] == "--"+f.Name && !f.IsBool() })
		if !strings.HasPrefix(a, "-") && !value {
			return i
		}
	}
	return -1
}

// joinBooleans lets `true` or `false` stand as a word of its own behind a
// boolean option, as scripts for the seed tool write it.
func joinBooleans(app *kong.Application, args []string) []string {
	booleans := map[string]bool{}
	for _, node := range append([]*kong.Node{app.Node}, app.Children...) {
		for _, f := range node.Flags {
			if f.IsBool() {
				booleans["--"+f.Name] = true
			}
		}
	}
	var out []string
	for i := 0; i < len(args); i++ {
		word := args[i]
		if booleans[word] && i+1 < len(args) && isBoolean(args[i+1]) {
			i++
			word += "=" + strings.ToLower(args[i])
		}
		out = append(out, word)
	}
	return out
}

func isBoolean(s string) bool {
	return strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
}
