package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// handlers are the packages that see secrets from outside beside those that
// are expected. Of app it is the admin listener alone.
const handlers = "signature ingest antispam web"

// confidential are the words in names of what takes longer to compare the
// more of it is right, unless crypto/subtle or hmac.Equal does it.
const confidential = "mac hmac sig signature digest token secret hash sum password"

// comparesSecrets lists the comparisons that tell how much of a secret was
// right by how long they take.
func comparesSecrets(s source) (found []string) {
	admin := s.dir() == "internal/app" && strings.HasPrefix(path.Base(s.path), "admin")
	if !slices.Contains(strings.Fields(handlers), s.inside()) && !admin {
		return nil
	}
	imported := map[string]bool{}
	for _, name := range s.imports() {
		imported[name] = true
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		how, of := comparison(n, imported)
		if slices.ContainsFunc(of, harmless) {
			return true
		}
		for _, operand := range of {
			if name := confidentialName(operand, imported); name != "" {
				found = append(found, how+" on "+name)
				break
			}
		}
		return true
	})
	return found
}

// comparison returns how a node compares what; nothing if it does not.
func comparison(n ast.Node, imported map[string]bool) (how string, of []ast.Expr) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return n.Op.String(), []ast.Expr{n.X, n.Y}
		}
	case *ast.SwitchStmt:
		for _, c := range n.Body.List {
			if n.Tag != nil && !slices.ContainsFunc(c.(*ast.CaseClause).List, harmless) {
				return "switch", append([]ast.Expr{n.Tag}, c.(*ast.CaseClause).List...)
			}
		}
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.SelectorExpr)
		if !ok {
			return "", nil
		}
		in, ok := f.X.(*ast.Ident)
		quick := []string{"bytes.Equal", "bytes.Compare", "bytes.HasPrefix", "strings.Compare", "strings.EqualFold", "strings.HasPrefix", "slices.Equal", "slices.Contains", "slices.Index", "reflect.DeepEqual", "cmp.Compare"}
		if ok && imported[in.Name] && slices.Contains(quick, in.Name+"."+f.Sel.Name) {
			return in.Name + "." + f.Sel.Name, n.Args
		}
	}
	return "", nil
}

// harmless tells whether a value is known to everybody: a literal, nil, a zero
// value, or a length.
func harmless(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.CompositeLit:
		return len(e.Elts) == 0
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.Ident)
		return ok && f.Name == "len"
	}
	return false
}

// confidentialName finds a name within the expression that has one of the
// words. Names of packages are none, nor is what a package has for everybody.
func confidentialName(e ast.Expr, imported map[string]bool) (name string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && imported[x.Name] {
				return false
			}
		}
		if id, ok := n.(*ast.Ident); ok && slices.ContainsFunc(words(id.Name), func(w string) bool {
			return slices.Contains(strings.Fields(confidential), w) || slices.Contains(strings.Fields(confidential), strings.TrimSuffix(w, "s"))
		}) {
			name = id.Name
		}
		return name == ""
	})
	return name
}

// words takes apart a name likeThis.
func words(name string) []string {
	var b strings.Builder
	last := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && !unicode.IsUpper(last) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
		last = r
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' || r == '_' || unicode.IsDigit(r) })
}

func TestHarmlessComparisonsOfSecretsAreLeftAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, code string }{
		{"internal/ingest/x.go", `package ingest; func f(token string) bool { return token == "" }`},
		{"internal/ingest/x.go", `package ingest; func f(mac []byte) bool { return len(mac) != 32 }`},
		{"internal/antispam/x.go", `package antispam; type token struct{}; func f(t token) bool { return t == token{} }`},
		{"internal/ingest/x.go", `package ingest; func f(secrets []string) bool { return secrets == nil }`},
		{"internal/ingest/x.go", `package ingest; import "github.com/dealbell/dealbell/internal/signature"; func f(err error) bool { return err == signature.ErrMissing }`},
		{"internal/ingest/x.go", `package ingest; import "crypto/subtle"; func f(token, b []byte) bool { return subtle.ConstantTimeCompare(token, b) != 1 }`},
		{"internal/ingest/x.go", `package ingest; import "crypto/hmac"; func f(mac, b []byte) bool { return hmac.Equal(mac, b) }`},
		{"internal/ingest/x.go", `package ingest; func f(said struct{ Token string }) int { switch said.Token { case "", "x": return 1 }; return 0 }`},
		{"internal/ingest/x.go", `package ingest; func f(assign, machine, b string) bool { return assign == machine || machine == b }`},
		{"internal/observe/x.go", `package observe; func f(hash, was string) bool { return hash == was }`},
		{"internal/app/status.go", `package app; func f(hash, was string) bool { return hash == was }`},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), c.path, c.code, 0)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := comparesSecrets(source{c.path, file}); len(wrong) != 0 {
			t.Errorf("%s in %s: %q", c.code, c.path, wrong)
		}
	}
}
