// Package internal_test keeps the house in order: who may import whom, and
// what is done in one place only. It reads the sources itself, so that a
// cached result never hides a change.
package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dealbell/dealbell/"

// layers lists the packages below internal, lowest layer first. A package
// imports only packages of lower layers, so never a sibling.
var layers = [...]string{
	"crm secret chromium",
	"signature form antispam merge rules observe outbound inbound meter table",
	"store queue notion slack sandbox connector",
	"upsert pipeline",
	"lead poll notify digest story doctor importer setup",
	"ingest web schedule",
	"config",
	"app",
	"demo",
	"cli",
	"bench torture",
}

// planned are the packages of the design that nobody has begun.
const planned = "merge connector"

// source is one parsed file that is not a test; path is seen from the top.
type source struct {
	path string
	file *ast.File
}

func (s source) dir() string { return path.Dir(s.path) }

// inside returns the package's place below internal; "" when it is elsewhere.
func (s source) inside() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.dir(), "internal"), "/")
}

func (s source) imports() map[string]string { // import path -> name in this file
	names := map[string]string{}
	for _, imp := range s.file.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		if names[p] = path.Base(p); imp.Name != nil {
			names[p] = imp.Name.Name
		}
	}
	return names
}

// uses lists the uses of the package's names, as pkg.Name.
func (s source) uses(pkg string, names ...string) []string {
	local, imported := s.imports()[pkg]
	if !imported {
		return nil
	}
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && slices.Contains(names, sel.Sel.Name) {
				found = append(found, path.Base(pkg)+"."+sel.Sel.Name)
			}
		}
		return true
	})
	return found
}

// rule says what is wrong with a file.
type rule struct {
	name  string
	check func(source) []string
}

var rules = [...]rule{
	{"imports point down", importsPointDown},
	{"the sandbox shares nothing with its clients", func(s source) []string {
		if s.inside() != "sandbox" {
			return nil
		}
		return slices.DeleteFunc(importedFrom(s, module), func(p string) bool { return strings.HasPrefix(p, module+"internal/sandbox/") })
	}},
	{"only the store speaks SQL", func(s source) []string {
		if s.inside() == "store" {
			return nil
		}
		return append(importedFrom(s, "database/sql"), importedFrom(s, "modernc.org/sqlite")...)
	}},
	{"only cmd touches the process", func(s source) []string {
		if strings.HasPrefix(s.path, "cmd/") {
			return nil
		}
		return s.uses("os", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Exit", "Args")
	}},
	{"nothing runs before main", func(s source) (found []string) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				found = append(found, "func init()")
			}
		}
		return found
	}},
	{"nobody sleeps blindly", func(s source) []string {
		if s.inside() == "sandbox" {
			return nil
		}
		return s.uses("time", "Sleep")
	}},
	{"secrets are compared in constant time", comparesSecrets},
	{"loggers are handed in", func(s source) []string {
		return append(s.uses("log/slog", globalLog...),
			s.uses("log", "Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln", "Default")...)
	}},
}

var globalLog = []string{
	"Default", "SetDefault", "With", "Log", "LogAttrs", "Debug", "Info", "Warn", "Error",
	"DebugContext", "InfoContext", "WarnContext", "ErrorContext",
}

func importedFrom(s source, prefix string) []string {
	var found []string
	for p := range s.imports() {
		if strings.HasPrefix(p, prefix) {
			found = append(found, p)
		}
	}
	return found
}

func ranks() map[string]int {
	rank := map[string]int{}
	for i, layer := range layers {
		for name := range strings.FieldsSeq(layer) {
			rank[name] = i + 1
		}
	}
	return rank
}

func importsPointDown(s source) []string {
	rank := ranks()
	own := rank[s.inside()]
	switch {
	case strings.HasPrefix(s.path, "cmd/"):
		own = len(layers) + 1
	case strings.HasPrefix(s.path, "internal/") && own == 0:
		return []string{s.dir() + " is in no layer"}
	}
	var found []string
	for _, p := range importedFrom(s, module) {
		below := strings.TrimPrefix(p, module+"internal/")
		switch {
		case p == module+"migrations" && s.inside() == "store":
		case strings.HasPrefix(s.path, "cmd/") && below != "cli":
			found = append(found, p+": commands import cli alone")
		case rank[below] == 0 || rank[below] >= own:
			found = append(found, p+" is not below it")
		}
	}
	return found
}

// sources parses everything that is not a test.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	root := ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir(), filepath.Ext(name) != ".go", strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		rel, err := filepath.Rel(root, name)
		all = append(all, source{filepath.ToSlash(rel), file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryFileKeepsTheRules(t *testing.T) {
	t.Parallel()
	all := sources(t)
	if len(all) < 50 {
		t.Fatalf("only %d files were found", len(all))
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, s := range all {
				for _, wrong := range rule.check(s) {
					t.Errorf("%s: %s", s.path, wrong)
				}
			}
		})
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, s := range sources(t) {
		documented[s.dir()] = documented[s.dir()] || opensWell(s)
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no comment that begins with \"Package %s\"", dir, path.Base(dir))
		}
	}
}

func opensWell(s source) bool {
	doc := s.file.Doc.Text()
	return strings.HasPrefix(doc, "Package "+path.Base(s.dir())+" ") || strings.HasPrefix(doc, "Command "+path.Base(s.dir())+" ")
}

func TestTheLayersNameNoPackageTwiceAndNoneInVain(t *testing.T) {
	t.Parallel()
	exists := map[string]bool{}
	for _, s := range sources(t) {
		exists[s.inside()] = true
	}
	seen := map[string]bool{}
	for name := range strings.FieldsSeq(strings.Join(layers[:], " ")) {
		if seen[name] {
			t.Errorf("%s is in two layers", name)
		}
		seen[name] = true
		if !exists[name] && !slices.Contains(strings.Fields(planned), name) {
			t.Errorf("%s does not exist and is not planned", name)
		}
	}
}

// A rule that cannot fail protects nothing: each is shown what it forbids.
func TestEachRuleCanFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, path, code, want string }{
		{"imports point down", "internal/lead/x.go", `package lead; import _ "github.com/dealbell/dealbell/internal/app"`, "not below"},
		{"imports point down", "internal/queue/x.go", `package queue; import _ "github.com/dealbell/dealbell/internal/store"`, "not below"},
		{"imports point down", "internal/novel/x.go", `package novel`, "in no layer"},
		{"imports point down", "internal/lead/x.go", `package lead; import _ "github.com/dealbell/dealbell/migrations"`, "not below"},
		{"imports point down", "migrations/x.go", `package migrations; import _ "github.com/dealbell/dealbell/internal/crm"`, "not below"},
		{"imports point down", "cmd/dealbell/x.go", `package main; import _ "github.com/dealbell/dealbell/internal/app"`, "cli alone"},
		{"the sandbox shares nothing with its clients", "internal/sandbox/x.go", `package sandbox; import _ "github.com/dealbell/dealbell/internal/crm"`, "crm"},
		{"only the store speaks SQL", "internal/app/x.go", `package app; import _ "database/sql"`, "database/sql"},
		{"only the store speaks SQL", "internal/app/x.go", `package app; import _ "modernc.org/sqlite"`, "sqlite"},
		{"only cmd touches the process", "internal/app/x.go", `package app; import "os"; var x = os.Getenv`, "os.Getenv"},
		{"only cmd touches the process", "internal/app/x.go", `package app; import sys "os"; func f() { sys.Exit(1) }`, "os.Exit"},
		{"only cmd touches the process", "migrations/x.go", `package migrations; import "os"; var x = os.Args`, "os.Args"},
		{"nothing runs before main", "internal/app/x.go", `package app; func init() {}`, "init"},
		{"nobody sleeps blindly", "internal/app/x.go", `package app; import "time"; func f() { time.Sleep(1) }`, "time.Sleep"},
		{"secrets are compared in constant time", "internal/signature/x.go", `package signature; func f(mac, b []byte) bool { return string(mac) == string(b) }`, "== on mac"},
		{"secrets are compared in constant time", "internal/signature/x.go", `package signature; import "bytes"; func f(expectedMACs [][]byte, b []byte) bool { return bytes.Equal(expectedMACs[0], b) }`, "bytes.Equal on expectedMACs"},
		{"secrets are compared in constant time", "internal/ingest/x.go", `package ingest; func f(b, said struct{ Token string }) bool { return b.Token != said.Token }`, "!= on Token"},
		{"secrets are compared in constant time", "internal/ingest/x.go", `package ingest; import "encoding/hex"; func f(given string, h interface{ Sum([]byte) []byte }) bool { return given == hex.EncodeToString(h.Sum(nil)) }`, "== on Sum"},
		{"secrets are compared in constant time", "internal/ingest/x.go", `package ingest; import "slices"; func f(formSecrets []string, given string) bool { return slices.Contains(formSecrets, given) }`, "slices.Contains on formSecrets"},
		{"secrets are compared in constant time", "internal/antispam/x.go", `package antispam; func f(token, a string) bool { switch token { case a: return true }; return false }`, "switch on token"},
		{"secrets are compared in constant time", "internal/app/admin.go", `package app; func f(a struct{ token string }, given string) bool { return given == a.token }`, "== on token"},
		{"secrets are compared in constant time", "internal/app/admin_login.go", `package app; import "bytes"; func f(password_hash, given []byte) bool { return bytes.Equal(given, password_hash) }`, "bytes.Equal on password_hash"},
		{"loggers are handed in", "internal/app/x.go", `package app; import "log/slog"; func f() { slog.Info("x") }`, "slog.Info"},
		{"loggers are handed in", "internal/app/x.go", `package app; import "log"; func f() { log.Fatal("x") }`, "log.Fatal"},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), c.path, c.code, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rules[:], func(r rule) bool { return r.name == c.rule })
		got := rules[i].check(source{c.path, file})
		if len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s: %s in %s: got %q, want one complaint about %q", c.rule, c.code, c.path, got, c.want)
		}
	}
}
