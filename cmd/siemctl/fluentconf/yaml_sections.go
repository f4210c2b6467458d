package fluentconf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document reads the sections of the top level.
func (f *yamlFile) document(root *yaml.Node) error {
	return f.pairs(root, "a map with service, pipeline, includes, env, plugins or parsers", func(key, value *yaml.Node) error {
		switch lowerASCII(key.Value) {
		case "service":
			return f.service(key, value)
		case "pipeline":
			return f.pipeline(value)
		case "env":
			return f.env(value)
		case "includes":
			return f.items(value, "a list of files", f.include)
		case "plugins":
			return f.plugins(key, value)
		case "parsers", "multiline_parsers", "stream_processor", "upstream_servers", "customs":
			return f.items(value, "a list of maps", func(item *yaml.Node) error {
				return f.pairs(item, "a map", f.skip)
			})
		case "extensions":
			return f.pairs(value, "a map", f.skip)
		}
		return f.other(key, value)
	})
}

// skip looks for nothing but what Fluent Bit can't read anywhere.
func (f *yamlFile) skip(_, value *yaml.Node) error {
	if value.Kind == yaml.AliasNode {
		return f.fail(value, "", "")
	}
	for _, part := range value.Content {
		if err := f.skip(nil, part); err != nil {
			return err
		}
	}
	return nil
}

func (f *yamlFile) service(key, value *yaml.Node) error {
	if slices.Contains(f.loader.sections, &f.loader.config.Service) {
		return f.fail(key, "a second service, after that at "+f.loader.config.Service.Pos.String(), "one for all files")
	}
	s := f.loader.begin(Service, f.pos(key))
	return f.pairs(value, "a map of settings", func(key, value *yaml.Node) error {
		if value.Kind == yaml.MappingNode && strings.EqualFold(key.Value, "telemetry") {
			return f.skip(key, value)
		}
		return f.property(s, key, value)
	})
}

// other reads a section of the top level with a name that Fluent Bit has no list
// for. It may still be that of a plugin's section.
func (f *yamlFile) other(key, value *yaml.Node) error {
	if key.Value == "" {
		return f.fail(key, "a section without a name", "service, pipeline, includes, env, plugins or parsers")
	}
	s := f.loader.begin(kindOf(key.Value), f.pos(key))
	return f.pairs(value, "a map of settings", func(key, value *yaml.Node) error {
		return f.property(s, key, value)
	})
}

// property adds a setting with a single value.
func (f *yamlFile) property(s *Section, key, value *yaml.Node) error {
	text, err := f.scalar(value, "a single value for "+key.Value)
	if err != nil {
		return err
	}
	return f.add(s, key, value, text)
}

func (f *yamlFile) add(s *Section, key, value *yaml.Node, text string) error {
	trimmed := strings.Trim(text, spaces)
	if trimmed == "" && text != "" {
		return f.fail(value, "white space as the value of "+key.Value, "a value")
	}
	s.Properties = append(s.Properties, Property{Key: yamlKey(key.Value), Raw: trimmed, Pos: f.pos(key)})
	return nil
}

func (f *yamlFile) pipeline(n *yaml.Node) error {
	const want = "inputs, filters and outputs"
	return f.pairs(n, want, func(key, value *yaml.Node) error {
		kind := map[string]string{"inputs": Input, "filters": Filter, "outputs": Output}[lowerASCII(key.Value)]
		if kind == "" {
			return f.fail(key, fmt.Sprintf("%q in the pipeline", key.Value), want)
		}
		return f.items(value, "a list of plugins, each with a name", func(item *yaml.Node) error {
			s := f.loader.begin(kind, f.pos(item))
			return f.pairs(item, "a map of settings with a name", func(key, value *yaml.Node) error {
				return f.setting(s, key, value)
			})
		})
	})
}

// setting adds a setting of a plugin: a value, a list of values, or what Fluent
// Bit itself understands of maps.
func (f *yamlFile) setting(s *Section, key, value *yaml.Node) error {
	nested := key.Value == "routes" || key.Value == "processors" || key.Value == "telemetry" && s.Kind == Input
	switch {
	case nested && value.Kind != yaml.ScalarNode:
		s.Properties = append(s.Properties, Property{Key: yamlKey(key.Value), Nested: true, Pos: f.pos(key)})
		return f.skip(key, value)
	case value.Kind == yaml.SequenceNode:
		return f.items(value, "", func(item *yaml.Node) error {
			text, err := f.scalar(item, "single values in the list of "+key.Value)
			if err != nil {
				return err
			}
			s.Properties = append(s.Properties, Property{Key: yamlKey(key.Value), Raw: text, Pos: f.pos(item)})
			return nil
		})
	}
	return f.property(s, key, value)
}

// env reads variables: a map, or a list of maps with name and value or uri.
func (f *yamlFile) env(n *yaml.Node) error {
	const want = "a map of variables"
	if n.Kind != yaml.SequenceNode {
		return f.pairs(n, want, func(key, value *yaml.Node) error {
			text, err := f.scalar(value, "a single value for "+key.Value)
			if err != nil {
				return err
			}
			return f.define(value, key.Value, text)
		})
	}
	return f.items(n, want, func(item *yaml.Node) error {
		var name, text, uri string
		err := f.pairs(item, want, func(key, value *yaml.Node) (err error) {
			v, err := f.scalar(value, "a single value for "+key.Value)
			switch lowerASCII(key.Value) {
			case "name":
				name = v
			case "value":
				text = v
			case "uri":
				uri = v
			case "refresh_interval":
			default:
				if name == "" {
					name, text = key.Value, v
				}
			}
			return err
		})
		if err != nil || name == "" {
			return err
		}
		if uri != "" {
			text = uri
		}
		return f.define(item, name, text)
	})
}

func (f *yamlFile) define(at *yaml.Node, name, value string) error {
	if err := f.loader.vars.define(name, value); err != nil {
		return &Error{Pos: f.pos(at), Problem: "the file of variable " + name + " can't be used", Err: err}
	}
	return nil
}

// include reads another file, which is relative to this one. A relative pattern
// may match nothing.
func (f *yamlFile) include(item *yaml.Node) error {
	name, err := f.scalar(item, "the path of a file")
	if err != nil {
		return err
	}
	paths := []string{joined(filepath.Dir(f.path), name)}
	if strings.Contains(name, "*") {
		if paths = glob(paths[0]); len(paths) == 0 && filepath.IsAbs(name) {
			return f.fail(item, fmt.Sprintf("no file is named like %q", name), "")
		}
	}
	for _, path := range paths {
		content, err := f.loader.open(path, f.pos(item))
		if err != nil {
			return err
		}
		if err := f.loader.readYAML(path, content); err != nil {
			return err
		}
	}
	return nil
}

func joined(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// plugins reads a list of libraries.
func (f *yamlFile) plugins(key, value *yaml.Node) error {
	s := f.loader.begin(plugins, f.pos(key))
	return f.items(value, "a list of the paths of libraries", func(item *yaml.Node) error {
		path, err := f.scalar(item, "the path of a library")
		if err != nil {
			return err
		}
		s.Properties = append(s.Properties, Property{Key: "path", Raw: yamlKey(path), Pos: f.pos(item)})
		return nil
	})
}
