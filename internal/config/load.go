package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/goccy/go-yaml"

	"github.com/dealbell/dealbell/internal/crm"
)

// Source is where a Config comes from.
type Source struct {
	Getenv func(string) string
	File   string // as given on the command line; "" looks in the usual places
}

// usualPlaces are where the file is looked for when nobody names one.
var usualPlaces = [...]string{"dealbell.yaml", "/etc/dealbell/dealbell.yaml"}

// Load reads the environment, then the file. Errors are *Error.
func Load(s Source) (*Config, error) {
	c := defaults()
	if err := c.readEnvironment(s.Getenv); err != nil {
		return nil, err
	}
	if err := c.readFile(s); err != nil {
		return nil, err
	}
	if err := c.finish(s.Getenv); err != nil {
		return nil, err
	}
	return &c, nil
}

func (c *Config) readEnvironment(getenv func(string) string) error {
	names, err := variables()
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, name := range names {
		value, err := readVariable(getenv, name)
		if err != nil {
			return err
		}
		if value != "" {
			values[name] = value
		}
	}
	if err := env.ParseWithOptions(c, env.Options{Environment: values}); err != nil {
		return &Error{"read environment: " + err.Error(), "dealbell check says more"}
	}
	return nil
}

// variables lists the names of all variables, from the tags of Config.
func variables() ([]string, error) {
	params, err := env.GetFieldParams(&Config{})
	if err != nil {
		return nil, fmt.Errorf("read configuration tags: %w", err)
	}
	var names []string
	for _, p := range params {
		if p.OwnKey != "" {
			names = append(names, p.Key)
		}
	}
	return names, nil
}

// readVariable reads X, or the file that X_FILE names.
func readVariable(getenv func(string) string, name string) (string, error) {
	value, path := getenv(name), getenv(name+"_FILE")
	switch {
	case path == "":
		return value, nil
	case value != "":
		return "", &Error{name + " and " + name + "_FILE are both set", "keep one of them"}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", &Error{fmt.Sprintf("read %s_FILE: %v", name, err), "the file must exist and be readable by the user that runs dealbell"}
	}
	return strings.TrimSpace(string(content)), nil
}

func (c *Config) readFile(s Source) error {
	path := s.File
	if path == "" {
		path = s.Getenv("DEALBELL_CONFIG")
	}
	candidates := usualPlaces[:]
	if path != "" {
		candidates = []string{path}
	}
	for _, candidate := range candidates {
		content, err := os.ReadFile(candidate)
		if errors.Is(err, fs.ErrNotExist) && path == "" {
			continue
		}
		if err != nil {
			return &Error{fmt.Sprintf("read configuration: %v", err), "name an existing file with --config, or leave it out to use the environment alone"}
		}
		c.File = candidate
		return c.parse(candidate, content)
	}
	return nil
}

func (c *Config) parse(path string, content []byte) error {
	var anything any
	if err := yaml.Unmarshal(content, &anything); err == nil && anything == nil {
		return nil // an empty file sets nothing; decoding it would clear the defaults
	}
	contacts, deals, activities := c.Contacts.ID, c.Deals.ID, c.Activities.ID
	err := yaml.NewDecoder(bytes.NewReader(content), yaml.DisallowUnknownField()).Decode(c)
	if err == nil {
		c.Contacts.ID, c.Deals.ID, c.Activities.ID = cmp.Or(c.Contacts.ID, contacts), cmp.Or(c.Deals.ID, deals), cmp.Or(c.Activities.ID, activities)
		return nil
	}
	located, ok := errors.AsType[yaml.Error](err)
	if !ok || located.GetToken() == nil {
		return &Error{fmt.Sprintf("%s: %v", path, err), "see the annotated example: deploy/dealbell.yaml"}
	}
	token := located.GetToken()
	place := fmt.Sprintf("%s:%d:%d", path, token.Position.Line, token.Position.Column)
	if _, unknown := errors.AsType[*yaml.UnknownFieldError](err); !unknown {
		return &Error{fmt.Sprintf("%s: %s", place, located.GetMessage()), "see the annotated example: deploy/dealbell.yaml"}
	}
	advice := "see the annotated example: deploy/dealbell.yaml"
	if near := crm.Nearest(token.Value, keys(reflect.TypeFor[Config]())); near != "" {
		advice = fmt.Sprintf("did you mean %q?", near)
	}
	return &Error{fmt.Sprintf("%s: unknown key %q", place, token.Value), advice}
}

// keys lists the keys that the file may have, at any depth.
func keys(t reflect.Type) []string {
	var found []string
	for f := range t.Fields() {
		if name := f.Tag.Get("yaml"); name != "" && name != "-" {
			found = append(found, name)
			inner := f.Type
			for inner.Kind() == reflect.Map || inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				found = append(found, keys(inner)...)
			}
		}
	}
	return found
}
