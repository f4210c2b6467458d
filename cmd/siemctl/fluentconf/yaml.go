package fluentconf

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// A yamlFile is a file of YAML while it is read (consume_event in
// src/config_format/flb_cf_yaml.c).
type yamlFile struct {
	loader *loader
	path   string
}

func (l *loader) readYAML(path string, content []byte) error {
	f := &yamlFile{loader: l, path: path}
	documents := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return f.syntax(err)
		}
		if err := f.document(document.Content[0]); err != nil {
			return err
		}
	}
}

// yamlError is how the parser says where it failed.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntax returns the parser's error with its place.
func (f *yamlFile) syntax(err error) error {
	e := &Error{Pos: Pos{File: f.path}, Problem: "not YAML", Err: err}
	if m := yamlError.FindStringSubmatch(err.Error()); m != nil {
		e.Pos.Line, _ = strconv.Atoi(m[1]) // 0 where there is none
		e.Err = errors.New(m[2])
	}
	return e
}

func (f *yamlFile) pos(n *yaml.Node) Pos { return Pos{File: f.path, Line: n.Line, Column: n.Column} }

func (f *yamlFile) fail(n *yaml.Node, problem, want string) error {
	if n.Kind == yaml.AliasNode {
		problem, want = "an alias", "the value itself: Fluent Bit knows no aliases"
	}
	return &Error{Pos: f.pos(n), Problem: problem, Want: want}
}

// shape names what a node is.
func shape(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Value == "":
		return "nothing"
	}
	return "a single value"
}

// pairs calls do with each key of a map and its value.
func (f *yamlFile) pairs(n *yaml.Node, want string, do func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return f.fail(n, shape(n), want)
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return f.fail(key, shape(key)+" as a key", "a name")
		}
		if err := do(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// items calls do with each item of a list.
func (f *yamlFile) items(n *yaml.Node, want string, do func(*yaml.Node) error) error {
	if n.Kind != yaml.SequenceNode {
		return f.fail(n, shape(n), want)
	}
	for _, item := range n.Content {
		if err := do(item); err != nil {
			return err
		}
	}
	return nil
}

// scalar returns the text of a single value.
func (f *yamlFile) scalar(n *yaml.Node, want string) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", f.fail(n, shape(n), want)
	}
	return n.Value, nil
}
