package conf

import "strings"

// Nearest returns the key that a misspelt name most likely means, and whether
// there is one that is near enough to suggest.
func Nearest(name string) (string, bool) {
	names := make([]string, 0, len(index))
	for _, key := range Keys() {
		names = append(names, key.Name)
	}
	return nearest(name, names)
}

// nearest returns the candidate that takes the fewest edits to reach, if these
// are few for its length. Failing that, it returns the longest candidate that
// the word begins or ends with, or that begins or ends with the word.
func nearest(word string, candidates []string) (string, bool) {
	const shortest = 2 // characters that an affix must have to mean anything
	word = strings.ToLower(word)
	best, fewest := "", 1<<30
	affix := ""
	for _, candidate := range candidates {
		lower := strings.ToLower(candidate)
		if d := distance(word, lower); d < fewest {
			best, fewest = candidate, d
		}
		if min(len(word), len(lower)) >= shortest && len(lower) > len(affix) && sharesEnd(word, lower) {
			affix = candidate
		}
	}
	if best != "" && fewest <= max(1, len(best)/3) && fewest < len(word) {
		return best, true
	}
	return affix, affix != ""
}

func sharesEnd(a, b string) bool {
	return strings.HasPrefix(a, b) || strings.HasSuffix(a, b) || strings.HasPrefix(b, a) || strings.HasSuffix(b, a)
}

// distance is the number of bytes to insert, delete or replace, or of
// neighbours to swap, that make b of a (optimal string alignment). It looks at
// no more of a than could matter.
func distance(a, b string) int {
	a = a[:min(len(a), 2*len(b)+1)]
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
