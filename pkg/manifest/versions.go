package manifest

import (
	"errors"
	"strconv"
	"strings"
)

// A VersionKind says how versions of a registered model are chosen.
type VersionKind int

// The kinds of selectors.
const (
	AllVersions    VersionKind = iota // `all`: all that are not deleted
	LatestVersions                    // `latest`, `latest:N`: the N highest, of all stages
	AliasVersions                     // `aliases`: those that have an alias
	AliasVersion                      // `alias:NAME`: the one with that alias
	StageVersions                     // `stage:NAME`: the highest in that stage, as MLflow resolves it
	FilterVersions                    // `filter:FILTER`: those that MLflow's filter string finds
)

// A VersionSelector chooses versions. The zero value chooses all.
type VersionSelector struct {
	Kind VersionKind
	N    int    // of LatestVersions, from 1
	Name string // of an alias or a stage, or the filter
}

// ParseVersions reads a selector.
func ParseVersions(text string) (VersionSelector, error) {
	word, arg, hasArg := strings.Cut(text, ":")
	s := VersionSelector{Name: arg}
	switch {
	case text == "all":
		return VersionSelector{Kind: AllVersions}, nil
	case text == "aliases":
		return VersionSelector{Kind: AliasVersions}, nil
	case text == "latest":
		return VersionSelector{Kind: LatestVersions, N: 1}, nil
	case word == "latest":
		n, err := strconv.ParseUint(arg, 10, 31)
		if err != nil || n < 1 {
			return VersionSelector{}, errors.New("needs a number from 1 behind `latest:`")
		}
		return VersionSelector{Kind: LatestVersions, N: int(n)}, nil
	case word == "alias" && hasArg:
		s.Kind = AliasVersion
	case word == "stage" && hasArg:
		s.Kind = StageVersions
	case word == "filter" && hasArg:
		s.Kind = FilterVersions
	default:
		return VersionSelector{}, errors.New("is none of all, latest, latest:N, aliases, alias:NAME, stage:NAME, filter:FILTER")
	}
	if strings.TrimSpace(arg) == "" {
		return VersionSelector{}, errors.New("needs a name behind `" + word + ":`")
	}
	return s, nil
}

// String is the selector as a manifest writes it.
func (s VersionSelector) String() string {
	switch s.Kind {
	case LatestVersions:
		if s.N <= 1 {
			return "latest"
		}
		return "latest:" + strconv.Itoa(s.N)
	case AliasVersions:
		return "aliases"
	case AliasVersion:
		return "alias:" + s.Name
	case StageVersions:
		return "stage:" + s.Name
	case FilterVersions:
		return "filter:" + s.Name
	}
	return "all"
}
