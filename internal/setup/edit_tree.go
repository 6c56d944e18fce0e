package setup

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/dealbell/dealbell/internal/crm"
)

// parseYAML returns the outermost mapping of a file, nil when it holds nothing
// but comments.
func parseYAML(content string) (*ast.MappingNode, error) {
	file, err := parser.ParseBytes([]byte(content), 0)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %s", yaml.FormatError(err, false, false))
	}
	for _, doc := range file.Docs {
		if m := mapping(doc.Body); m != nil {
			return m, nil
		}
		if doc.Body != nil && doc.Body.Type() != ast.NullType && doc.Body.Type() != ast.CommentType {
			return nil, errors.New("read configuration: it is not a mapping of keys")
		}
	}
	return nil, nil //nolint:nilnil // a file without keys
}

func mapping(n ast.Node) *ast.MappingNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n
	case *ast.MappingValueNode:
		return &ast.MappingNode{Start: n.Start, Values: []*ast.MappingValueNode{n}}
	}
	return nil
}

func find(m *ast.MappingNode, key string) *ast.MappingValueNode {
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.Values, func(v *ast.MappingValueNode) bool { return crm.SameName(text(v.Key), key) })
	if i < 0 {
		return nil
	}
	return m.Values[i]
}

func text(n ast.Node) string {
	var s string
	_ = yaml.NodeToValue(n, &s)
	return s
}

// same compares what a node says with a scalar or list in YAML.
func same(n ast.Node, value string) bool {
	var have, want any
	return yaml.NodeToValue(n, &have) == nil && yaml.Unmarshal([]byte(value), &want) == nil && fmt.Sprint(have) == fmt.Sprint(want)
}

// parentLine is the line of the key that a block mapping belongs to.
func parentLine(m *ast.MappingNode) int {
	for t := m.Values[0].Key.GetToken().Prev; t != nil; t = t.Prev {
		if t.Type == token.MappingValueType {
			return t.Position.Line
		}
	}
	return m.Values[0].Key.GetToken().Position.Line - 1
}
