package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// A Starter is what a first manifest of a store names.
type Starter struct {
	Host     string // its name in the manifest
	Tracking string // URI or path, as the manifest is to have it
	Comment  string // what is in the store, one line
	Models   bool   // it has registered models: all their versions are selected
	URIs     []string
	Examples []string // URIs of single models that a comment shows
}

// Write makes a manifest with comments that Parse reads without a mistake. The
// first store is the default host.
func Write(stores []Starter) []byte {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=https://raw.githubusercontent.com/mlreport/mlreport/main/pkg/manifest/schema.json\n")
	b.WriteString("# What mlreport writes reports about: `mlreport run` in this folder reads this file.\n")
	b.WriteString("# `mlreport validate` checks it, `mlreport plan` shows what a run would do.\nversion: 1\n\nhosts:\n")
	for _, s := range stores {
		if s.Comment != "" {
			fmt.Fprintf(&b, "  # %s\n", oneLine(s.Comment))
		}
		fmt.Fprintf(&b, "  %s:\n    tracking: %s\n", quote(s.Host), quote(s.Tracking))
	}
	if len(stores) > 0 {
		fmt.Fprintf(&b, "\ndefaults:\n  host: %s\n  # artifact-max-level: 3    # list the models' files, so many folders deep\n  # objects: true            # each object of MLflow in a file of its own, too\n", quote(stores[0].Host))
	}
	b.WriteString("\nmodels:\n")
	for i, s := range stores {
		writeEntries(&b, s, i > 0)
	}
	return []byte(b.String())
}

func writeEntries(b *strings.Builder, s Starter, named bool) {
	host := ""
	if named {
		host = ", host: " + quote(s.Host)
	}
	if s.Models || len(s.URIs) == 0 {
		b.WriteString("  # every version of every registered model; versions: latest, latest:5, aliases, alias:NAME or stage:NAME selects fewer\n")
		allow := ""
		if !s.Models {
			allow = ", allow-empty: true"
		}
		fmt.Fprintf(b, "  - {select: {models: \"*\", versions: all}%s%s}\n", host, allow)
	}
	for _, uri := range s.Examples {
		fmt.Fprintf(b, "  # - %s\n", oneLine(quote(uri)))
	}
	for _, uri := range s.URIs {
		fmt.Fprintf(b, "  - {uri: %s%s}\n", quote(uri), host)
	}
}

// quote writes text as a YAML scalar in double quotes; `${` stays literal.
func quote(s string) string {
	return strconv.Quote(strings.ReplaceAll(s, "${", "$${"))
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}
