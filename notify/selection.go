package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"siem-s3/event"
)

// A Selection is a set of log types. The zero Selection is empty.
type Selection uint64

// Has reports whether t is selected.
func (s Selection) Has(t event.LogType) bool { return s>>t&1 == 1 }

// ParseSelection reads a list such as "device,logon,!compliant": names of log
// types, the groups "device", "account" and "all", and, after a '!', names and
// groups to leave out, wherever in the list they stand. An empty selection is
// an error, as is an unknown name: the error has the nearest known one.
func ParseSelection(list string) (Selection, error) {
	var in, out Selection
	var problems []error
	for item := range strings.SplitSeq(list, ",") {
		name, exclude := strings.CutPrefix(strings.TrimSpace(item), "!")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" && !exclude {
			continue
		}
		named, ok := selectionOf(name)
		switch {
		case !ok:
			problems = append(problems, fmt.Errorf("unknown log type or group %q: did you mean %q?", name, nearest(name)))
		case exclude:
			out |= named
		default:
			in |= named
		}
	}
	selected := in &^ out
	if len(problems) == 0 && selected == 0 {
		problems = append(problems, emptyReason(in, out))
	}
	if len(problems) > 0 {
		return 0, errors.Join(problems...)
	}
	return selected, nil
}

// selectionOf returns the log types that a name or a group stands for.
func selectionOf(name string) (s Selection, ok bool) {
	for _, t := range event.Types() {
		if name == t.String() || name == t.Category().String() || name == "all" {
			s |= 1 << t
		}
	}
	return s, s != 0
}

func emptyReason(in, out Selection) error {
	const example = `log types such as "critical_found,process_scan_infection_found", a group ("device" or "account"), or "all"`
	switch {
	case in != 0:
		return errors.New("every selected log type is excluded again: select " + example)
	case out != 0:
		return errors.New(`only exclusions are given: select what they leave out from, as in "all,!compliant"`)
	}
	return errors.New("no log type is selected: give " + example)
}

// nearest returns the known name that name is a part of, or else the one with
// the fewest edits from name to it.
func nearest(name string) string {
	known := []string{"all", event.Device.String(), event.Account.String()}
	for _, t := range event.Types() {
		known = append(known, t.String())
	}
	partOf := func(whole string) bool { return len(name) > 3 && strings.Contains(whole, name) }
	if i := slices.IndexFunc(known, partOf); i >= 0 {
		return known[i]
	}
	return slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is the Levenshtein distance of a and b in bytes; only the first 64
// of a count, which is longer than any known name.
func distance(a, b string) int {
	a = a[:min(len(a), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
