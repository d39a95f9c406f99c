package checks

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Paths checks templates and cloud assemblies. A path is the file of a template or the
// folder of an assembly, such as cdk.out. Paths also checks the nested stacks beside a
// template and the stages of an assembly. All stacks form one app, so one stack may import
// the exports of another.
func Paths(paths ...string) ([]Finding, error) {
	l := newLoader()
	if err := l.paths(paths); err != nil {
		return nil, err
	}
	return check(l.sources, l.made)
}

// ComparePaths returns the changes of an update from one path to others, each as in
// [Paths]. It matches templates by their names in the folder. If both sides are a single
// template, it matches them whatever their names are.
func ComparePaths(before string, after ...string) ([]Change, error) {
	old, next := newLoader(), newLoader()
	if err := old.paths([]string{before}); err != nil {
		return nil, err
	}
	if err := next.paths(after); err != nil {
		return nil, err
	}
	for i, name := range old.names {
		j := slices.Index(next.names, name)
		if len(old.names) == 1 && len(next.names) == 1 {
			j = 0
		}
		if j >= 0 {
			old.sources[i].Name = next.sources[j].Name
		}
	}
	return Compare(old.sources, next.sources)
}

// loader collects the templates of an app.
type loader struct {
	sources []Source
	names   []string // names of the sources, relative to the path
	root    string
	seen    map[string]bool
	// made has the places in the app's source code that make resources, by template and
	// logical id.
	made map[string]map[string]string
}

func newLoader() *loader {
	return &loader{seen: map[string]bool{}, made: map[string]map[string]string{}}
}

func (l *loader) paths(paths []string) error {
	for _, p := range paths {
		p = filepath.Clean(p)
		load := l.template
		l.root = filepath.Dir(p)
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			load, l.root = l.assembly, p
		}
		if err := load(p); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) assembly(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read assembly: %w; synthesize the app first, or name a template", err)
	}
	if err != nil {
		return fmt.Errorf("read assembly: %w", err)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type                   string
			Properties             struct{ TemplateFile, DirectoryName string }
			Metadata               cdkMetadata
			AdditionalMetadataFile string
		}
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return fmt.Errorf("read assembly %s: manifest.json: %w", dir, err)
	}
	for _, id := range slices.Sorted(maps.Keys(manifest.Artifacts)) {
		artifact := manifest.Artifacts[id]
		switch artifact.Type {
		case "cdk:cloud-assembly":
			err = l.assembly(filepath.Join(dir, artifact.Properties.DirectoryName))
		case "aws:cloudformation:stack":
			metadata := artifact.Metadata
			if artifact.AdditionalMetadataFile != "" {
				metadata = readMetadata(filepath.Join(dir, artifact.AdditionalMetadataFile))
			}
			file := filepath.Join(dir, artifact.Properties.TemplateFile)
			if err = l.template(file); err == nil {
				l.made[file] = metadata.made()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// template adds a template and the templates of its nested stacks. It skips a nested
// template that is not beside it.
func (l *loader) template(file string) error {
	if l.seen[file] {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read template: %w; name a template, or synthesize the app first", err)
	}
	l.seen[file] = true
	name, err := filepath.Rel(l.root, file)
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	l.sources, l.names = append(l.sources, Source{Name: file, Data: data}), append(l.names, name)
	var t template
	if json.Unmarshal(data, &t) != nil {
		return nil // Check reports the fault
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		nested := nestedFile(t.Resources[id])
		if nested == "" {
			continue
		}
		if err := l.template(filepath.Join(filepath.Dir(file), filepath.Base(nested))); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
