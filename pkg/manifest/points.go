package manifest

import (
	"errors"
	"strconv"
)

// ParsePoints reads how many points of each metric are kept: `none`, `all`, or
// a number from 2.
func ParsePoints(text string) (Level, error) {
	switch n, err := strconv.ParseUint(text, 10, 31); {
	case text == "all":
		return AllLevels, nil
	case text == "none":
		return NoLevel, nil
	case err == nil && n >= 2:
		return Level(n), nil
	}
	return NoLevel, errors.New("must be " + wantPoints)
}

const wantPoints = "none, all, or a number of points from 2"

// points reads how much of each metric's history is kept.
func (p *parser) points(f field) *Level {
	s, ok := p.scalar(f, "!!int !!str", wantPoints)
	if !ok {
		return nil
	}
	n, err := ParsePoints(s)
	if err != nil {
		p.wrong(f.node, f.key+" must be "+wantPoints, "")
		return nil
	}
	return &n
}
