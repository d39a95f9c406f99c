// Package similar finds the names that a user may have meant by a misspelt one: in the
// flags of the command line, and in the parts of a program.
package similar

import "strings"

// maxDistance is how many letters may differ.
const maxDistance = 2

// Names returns the names that are like a misspelt one: names that start with it, and
// names from which at most two letters differ. Capitals do not matter. A name of two
// letters or less is like none that is wholly different.
func Names(name string, all []string) []string {
	var similar []string
	for _, other := range all {
		a, b := []rune(strings.ToLower(name)), []rune(strings.ToLower(other))
		near := distance(a, b)
		if near <= maxDistance && near < len(a) && near < len(b) || len(a) > 0 && strings.HasPrefix(string(b), string(a)) {
			similar = append(similar, other)
		}
	}
	return similar
}

// distance returns the Levenshtein distance: how many letters must be inserted, removed or
// replaced to get from one word to the other.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1) // distances between the letters of a so far and each start of b
	for j := range row {
		row[j] = j
	}
	for i, letter := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			replaced := diagonal
			if b[j] != letter {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
