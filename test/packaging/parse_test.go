// Package packaging checks what siem-s3 is shipped and documented with: the
// Dockerfile, what is in deploy, and the configurations in the documents. There
// is no container engine in these tests: they run what an image is built with,
// line by line, and what it runs, where a Fluent Bit is found.
package packaging

import (
	"fmt"
	"strings"
)

// An instruction is one of a Dockerfile, its continued lines put together.
type instruction struct {
	name string // in upper case
	args string
	line int // that it begins in
}

// parseDockerfile reads a Dockerfile. It knows comments and continued lines, which
// are all that ours has: an escape directive, a heredoc or an unknown instruction
// is an error.
func parseDockerfile(text string) (all []instruction, err error) {
	var open *instruction
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			if strings.HasPrefix(strings.ToLower(line), "# escape=") {
				return nil, fmt.Errorf("line %d: an escape directive", i+1)
			}
			continue
		}
		rest, continued := strings.CutSuffix(line, `\`)
		if open != nil {
			open.args += " " + strings.TrimSpace(rest)
		} else {
			name, args, _ := strings.Cut(rest, " ")
			all = append(all, instruction{strings.ToUpper(name), strings.TrimSpace(args), i + 1})
		}
		open = &all[len(all)-1]
		if !known[open.name] || strings.Contains(open.args, "<<") {
			return nil, fmt.Errorf("line %d: %s is not understood", i+1, open.name)
		}
		if !continued {
			open = nil
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: %s has no end", open.line, open.name)
	}
	return all, nil
}

var known = map[string]bool{
	"ARG": true, "CMD": true, "COPY": true, "ENTRYPOINT": true, "ENV": true, "EXPOSE": true, "FROM": true,
	"HEALTHCHECK": true, "LABEL": true, "RUN": true, "USER": true, "VOLUME": true, "WORKDIR": true,
}

// A stage is what one FROM begins.
type stage struct {
	image, name  string
	instructions []instruction
}

// of returns the arguments of a stage's instructions of that name.
func (s *stage) of(name string) (all []string) {
	for _, in := range s.instructions {
		if in.name == name {
			all = append(all, in.args)
		}
	}
	return all
}

// stages splits a Dockerfile, and returns the arguments before its first stage too,
// which its images are named by.
func stages(all []instruction) (images map[string]string, stages []*stage, err error) {
	images = make(map[string]string)
	for _, in := range all {
		switch fields := strings.Fields(in.args); {
		case in.name == "FROM" && len(fields) == 3 && fields[1] == "AS":
			stages = append(stages, &stage{image: fields[0], name: fields[2]})
		case in.name == "FROM":
			return nil, nil, fmt.Errorf("line %d: a stage without a name", in.line)
		case len(stages) > 0:
			last := stages[len(stages)-1]
			last.instructions = append(last.instructions, in)
		case in.name == "ARG":
			name, value, _ := strings.Cut(in.args, "=")
			images["${"+name+"}"] = value
		default:
			return nil, nil, fmt.Errorf("line %d: %s before the first stage", in.line, in.name)
		}
	}
	return images, stages, nil
}
