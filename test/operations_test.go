package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every message that the plugin can log as an error or a warning is explained in
// docs/operations.md.
func TestEveryMessageIsExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := strings.Join(strings.Fields(string(text)), " ")
	var seen int
	for _, folder := range []string{"plugin", "pipeline", "notify", "s3", "metrics", "wire", "spool"} {
		files, err := filepath.Glob("../" + folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, message := range messages(t, file) {
				seen++
				for _, part := range message {
					if !strings.Contains(doc, strings.TrimSpace(part)) {
						t.Errorf("%s: %q is not in docs/operations.md", file, part)
					}
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d messages were found: this test looks in the wrong places", seen)
	}
}

// loggers are the functions that make a line of the log, or of what health tells,
// by the number of their arguments that are messages, from the first.
var loggers = map[string]int{"Error": 1, "Warn": 1, "OnNotice": 1, "newHealth": 3}

// messages returns the literal parts of each message that a file can log.
func messages(t *testing.T, file string) (all [][]string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		var name string
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			name = fun.Name
		case *ast.SelectorExpr:
			name = fun.Sel.Name
		}
		for _, arg := range call.Args[:min(loggers[name], len(call.Args))] {
			if parts := literals(arg); len(parts) > 0 {
				all = append(all, parts)
			}
		}
		return true
	})
	return all
}

// literals returns the strings in an expression that puts strings together.
// Neighbours are one.
func literals(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return []string{s}
		}
	case *ast.BinaryExpr:
		left, right := literals(e.X), literals(e.Y)
		if isLiteral(e.Y) && len(left) > 0 && endsLiteral(e.X) {
			last := len(left) - 1
			return slices.Concat(left[:last], []string{left[last] + right[0]}, right[1:])
		}
		return slices.Concat(left, right)
	}
	return nil
}

func isLiteral(e ast.Expr) bool {
	_, ok := e.(*ast.BasicLit)
	return ok
}

// endsLiteral reports whether the rightmost operand is a literal.
func endsLiteral(e ast.Expr) bool {
	if b, ok := e.(*ast.BinaryExpr); ok {
		return endsLiteral(b.Y)
	}
	return isLiteral(e)
}
