package manifest

import (
	"fmt"
	"slices"
	"strings"
)

// hintFor names the known key that is nearest to an unknown one, or all.
func hintFor(name string, keys []key) string {
	var known []string
	for _, k := range keys {
		known = append(known, k.name)
	}
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "the keys here are: " + strings.Join(known, ", ")
}

// Nearest is the word that somebody who wrote name may have meant: one that is
// at most a third of its letters away, or "".
func Nearest(name string, words []string) string {
	best, found := "", 0
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }
	for _, w := range words {
		if len(name) > 2*len(w)+2 {
			continue
		}
		d := distance(fold(name), fold(w))
		if d <= len(w)/3 && (best == "" || d < found) {
			best, found = w, d
		}
	}
	return best
}

// NearestOf are the words that are nearest to name, the nearest first, as many
// as most. A word that holds name, or begins as it does, is near.
func NearestOf(name string, words []string, most int) []string {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }
	far := func(word string) int {
		a, b := fold(name), fold(word)
		if a != "" && (strings.Contains(b, a) || strings.HasPrefix(a, b)) {
			return 1
		}
		return distance(a[:min(len(a), 200)], b[:min(len(b), 200)])
	}
	distances := map[string]int{}
	for _, w := range words {
		distances[w] = far(w)
	}
	near := slices.Compact(slices.Sorted(slices.Values(words)))
	slices.SortStableFunc(near, func(a, b string) int { return distances[a] - distances[b] })
	return near[:min(len(near), most)]
}

// distance counts the letters to insert, drop, replace or swap with the next.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := rows[i-1][j-1]
			if x[i-1] != y[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// quoted lists words for a message.
func quoted(words []string) string {
	words = slices.Clone(words)
	for i, w := range words {
		words[i] = fmt.Sprintf("%q", short(w))
	}
	return strings.Join(words, ", ")
}
