package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/pflag"
)

// flagsFile is the file beside cdk.json with the flags for every start of hearth dev.
const flagsFile = "hearth.json"

// readFlags sets the flags that a file names. A flag of the command line takes precedence.
// A value is a string, a number, a boolean, or an array of strings for a flag that may be
// repeated. A missing file sets nothing.
func readFlags(flags *pflag.FlagSet, path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))) // some editors write a byte order mark
	decoder.UseNumber()
	var given map[string]any
	if err := decoder.Decode(&given); err != nil {
		return fmt.Errorf("read %s: must be a JSON object of flags, such as {\"port\": 3001}: %w", path, err)
	}
	if decoder.More() {
		return fmt.Errorf("read %s: must be one JSON object of flags, got more after it", path)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		flag := flags.Lookup(name)
		if flag == nil || name == "dir" || name == "help" {
			return fmt.Errorf("read %s: %q must be a flag that is not --dir%s", path, name, nearest(nearFlags(flags, name), ""))
		}
		if flag.Changed {
			continue
		}
		values, isList := given[name].([]any)
		if !isList {
			values = []any{given[name]}
		}
		for _, value := range values {
			text := ""
			switch v := value.(type) {
			case string:
				text = v
			case json.Number:
				text = v.String()
			case bool:
				text = strconv.FormatBool(v)
			default:
				return fmt.Errorf("read %s: %q must be a string, a number, a boolean or an array of them, got %v", path, name, value)
			}
			if err := flags.Set(name, text); err != nil {
				return fmt.Errorf("read %s: %w", path, plainer(err))
			}
		}
	}
	return nil
}
