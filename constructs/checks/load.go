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

// Paths checks templates, and cloud assemblies by their folder, such as cdk.out. A template
// brings the nested stacks beside it, and an assembly its stages. All stacks are one app,
// so that one may import what another exports.
func Paths(paths ...string) ([]Finding, error) {
	l := newLoader()
	if err := l.paths(paths); err != nil {
		return nil, err
	}
	return check(l.sources, l.made)
}

// ComparePaths says what an update from one path to others changes, each of them as in
// [Paths]. Templates belong together by their names in the folder. A single template
// belongs to a single other one, whatever their names are.
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
	names   []string // of the sources, below the path that they were found by
	root    string
	seen    map[string]bool
	// made is where the app's source makes resources, by template and logical id.
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

// template adds a template and those of its nested stacks. A nested one that is not
// beside it is left out.
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
		return nil // Check says so
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
