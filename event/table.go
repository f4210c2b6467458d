package event

// A table finds values by short names. It holds the names by their length, and
// few have the same: a comparison or two are faster than a map's hash.
type table[T any] [][]entry[T]

type entry[T any] struct {
	name  string
	value T
}

// get returns the value of name, nil if it has none.
func (t table[T]) get(name []byte) *T {
	if len(name) >= len(t) {
		return nil
	}
	same := t[len(name)]
	for i := range same {
		if same[i].name == string(name) {
			return &same[i].value
		}
	}
	return nil
}

// at returns the value of name to be set, the zero value if it had none.
func (t *table[T]) at(name string) *T {
	if v := t.get([]byte(name)); v != nil {
		return v
	}
	for len(*t) <= len(name) {
		*t = append(*t, nil)
	}
	same := &(*t)[len(name)]
	*same = append(*same, entry[T]{name: name})
	return &(*same)[len(*same)-1].value
}
