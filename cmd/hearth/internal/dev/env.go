package dev

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Env has the environment variables that the user sets for the functions.
//
// A function's variables come from, highest precedence first: its own file beside cdk.json
// (see [envFile]), --env, .env beside cdk.json, and the template. In the files and --env,
// NAME=VALUE sets a variable, NAME passes on the variable of hearth's environment, and
// PREFIX* passes on all variables with that prefix. Hearth also passes on the variables
// that begin with a stack's name in capitals, such as BOOKMARKS_… for the stack Bookmarks;
// they override only the template. It passes on no others.
type Env struct {
	values map[string]string
}

// add reads NAME=VALUE, NAME or PREFIX*.
func (e *Env) add(text string) error {
	name, value, set := strings.Cut(text, "=")
	if prefix, ok := strings.CutSuffix(name, "*"); ok && !set && validName(prefix) {
		for _, variable := range os.Environ() {
			if n, v, _ := strings.Cut(variable, "="); strings.HasPrefix(n, prefix) {
				e.values[n] = v
			}
		}
		return nil
	}
	if !validName(name) {
		return fmt.Errorf("must be NAME=VALUE, NAME or PREFIX*, got %q", name)
	}
	if !set {
		if value, set = os.LookupEnv(name); !set {
			return nil
		}
	}
	e.values[name] = value
	return nil
}

func validName(name string) bool {
	for i, c := range name {
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// readEnvFile reads a file with a line for add each. Comments, quotes and "export" work as
// in a shell. A missing file sets nothing.
func (e *Env) readEnvFile(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n") { // some editors write a byte order mark
		line = strings.TrimSpace(line)
		line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, set := strings.Cut(line, "=")
		if set {
			if value, err = unquote(strings.TrimSpace(value)); err != nil {
				return fmt.Errorf("%s:%d: the quotes of %s do not end", path, i+1, strings.TrimSpace(name))
			}
			line = strings.TrimSpace(name) + "=" + value
		}
		if err := e.add(line); err != nil {
			return fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	return nil
}

// unquote reads a value: literally in single quotes, with escapes in double quotes, and
// otherwise up to " #".
func unquote(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	switch s[0] {
	case '\'':
		end := strings.IndexByte(s[1:], '\'')
		if end < 0 {
			return "", strconv.ErrSyntax
		}
		return s[1 : end+1], nil
	case '"':
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", err
		}
		return strconv.Unquote(quoted)
	}
	value, _, _ := strings.Cut(s, " #")
	return strings.TrimSpace(value), nil
}
