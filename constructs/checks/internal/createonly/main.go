// Command createonly writes the list of properties that cause the replacement of a
// resource, by type. It reads AWS's published resource schemas from the npm package aws-cdk.
//
//	go run ./internal/createonly createonly.txt
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// source is the package with the schemas.
const source = "aws-cdk@2.1148.1"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "createonly: must have one argument, the file to write")
		os.Exit(1)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "createonly:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	dir, err := os.MkdirTemp("", "createonly-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pack := exec.Command("npm", "pack", "--silent", source)
	pack.Dir, pack.Stderr = dir, os.Stderr
	if err := pack.Run(); err != nil {
		return fmt.Errorf("npm pack %s: %w", source, err)
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack %s: must write one archive, got %d", source, len(archives))
	}
	lines, err := read(archives[0])
	if err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	header := "# The properties of each resource type whose change replaces the resource; ? where it depends.\n" +
		"# Made by go generate from the resource schemas in " + source + ".\n"
	return os.WriteFile(file, []byte(header+strings.Join(lines, "\n")+"\n"), 0o644)
}

// read finds db.json.gz in an archive and lists its resource types.
func read(archive string) ([]string, error) {
	data, err := os.ReadFile(archive)
	if err != nil {
		return nil, err
	}
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it has no db.json.gz")
		}
		if err != nil {
			return nil, err
		}
		if header.Name == "package/db.json.gz" {
			return list(files)
		}
	}
}

func list(data io.Reader) ([]string, error) {
	zipped, err := gzip.NewReader(data)
	if err != nil {
		return nil, err
	}
	var db struct {
		Schema struct {
			Resource struct {
				Entities []struct {
					CloudFormationType string
					Properties         map[string]struct{ CausesReplacement string }
				}
			}
		}
	}
	if err := json.NewDecoder(zipped).Decode(&db); err != nil {
		return nil, err
	}
	var lines []string
	for _, resource := range db.Schema.Resource.Entities {
		var names []string
		for name, property := range resource.Properties {
			switch property.CausesReplacement {
			case "yes":
				names = append(names, name)
			case "maybe":
				names = append(names, name+"?")
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			lines = append(lines, resource.CloudFormationType+": "+strings.Join(names, " "))
		}
	}
	slices.Sort(lines)
	return lines, nil
}
