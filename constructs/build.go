package hearth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/lambdahearth/hearth/internal/program"
	"github.com/lambdahearth/hearth/internal/wire"
)

// Manifest states what a handler program serves, in the program's own words.
type Manifest = wire.Manifest

// load asks the program for its manifest, unless it must not, and builds it for Lambda.
// If the first step fails, it skips the second, which would add nothing. A failure is a
// broken rule, in the words of the compiler or the program. The archive is nil when Code
// or Image has one already.
func (p *HandlerProps) load(r *rules) (*Manifest, []byte) {
	const todo = "it is relative to the working directory of the CDK app"
	var manifest *Manifest
	if p.ManifestFile != nil {
		var err error
		if manifest, err = wire.ReadManifest(*p.ManifestFile); err != nil {
			r.breaks("ManifestFile", "must be a manifest that the program wrote with %s set, got %q (%w); %s", wire.EnvManifest, *p.ManifestFile, err, todo)
			return nil, nil
		}
	}
	if p.prebuilt() {
		if manifest == nil && !isFalse(p.Manifest) {
			r.breaks("ManifestFile", "must be set for a program that is built already, got none; run it with %s=FILE, or set Manifest: false and declare what it serves", wire.EnvManifest)
		}
		return manifest, nil
	}
	if p.Entry == nil || *p.Entry == "" {
		r.breaks("Entry", "must be the directory of a Go main package, got none; %s", todo)
		return nil, nil
	}
	if !textOf(p.Entry).known {
		r.breaks("Entry", "must be a plain string, got a token; the program is built at synth")
		return nil, nil
	}
	source, err := p.source()
	if err != nil {
		r.breaks("Entry", "must be the directory of a Go main package, got %q (%w); %s", *p.Entry, err, todo)
		return nil, nil
	}
	// Both builds take long, so they run at the same time.
	built := make(chan struct{})
	go func() {
		defer close(built)
		_, _ = source.Archive()
	}()
	defer func() { <-built }()
	if manifest == nil && !isFalse(p.Manifest) {
		if manifest, err = source.Manifest(p.asked()); err != nil {
			r.breaks("Entry", "must be a Go program that says what it serves, got %q; %w", *p.Entry, err)
			return nil, nil
		}
	}
	archive, err := source.Archive()
	if err != nil {
		r.breaks("Entry", "must be a Go program that builds for Lambda, got %q; %w", *p.Entry, err)
	}
	return manifest, archive
}

// maxUnpackedBytes bounds a program with its files, and its layers.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const maxUnpackedBytes = 250 << 20

// prebuilt reports whether the program is built before synth.
func (p *HandlerProps) prebuilt() bool { return p.Code != nil || p.Image != nil }

// title names the program in messages about its manifest.
func (p *HandlerProps) title() string {
	switch {
	case p.Entry != nil:
		return *p.Entry
	case p.ManifestFile != nil:
		return *p.ManifestFile
	}
	return "the program"
}

// source returns the build's input for these props.
func (p *HandlerProps) source() (program.Source, error) {
	goarch := "arm64"
	if p.Architecture != nil && *p.Architecture.Name() == "x86_64" {
		goarch = "amd64"
	}
	if p.Entry == nil || *p.Entry == "" {
		return program.Source{}, errors.New("none")
	}
	return program.New(*p.Entry, goarch, p.BuildTags, p.LinkerFlags, isTrue(p.VersionControl))
}

// asked returns the variables of the program while synth asks it for its manifest.
func (p *HandlerProps) asked() map[string]string {
	environment := map[string]string{}
	for _, variables := range []*map[string]*string{p.Environment, p.ManifestEnvironment} {
		if variables == nil {
			continue
		}
		for name, value := range *variables {
			if v := textOf(value); v.known {
				environment[name] = v.value
			} else if v.set {
				environment[name] = program.Placeholder
			}
		}
	}
	return environment
}

// pack adds the files of the props to the archive of the program.
func (p *HandlerProps) pack(r *rules, archive []byte) []byte {
	archive, err := program.AddFiles(archive, p.Files)
	if err == nil {
		var size uint64
		if size, err = program.Unpacked(archive); err == nil {
			p.checkUnpacked(r, size)
			return archive
		}
	}
	r.breaks("Files", "must be files that can be read, got %w; correct the paths", err)
	return nil
}

// checkUnpacked checks the size of the program with its files, in bytes.
func (p *HandlerProps) checkUnpacked(r *rules, size uint64) {
	if size <= maxUnpackedBytes {
		return
	}
	field := "Entry"
	if len(p.Files) > 0 {
		field = "Files"
	}
	r.breaks(field, "must unpack to at most %d MB, program and files together, got %d MB; keep large files elsewhere, such as in a bucket, or use Image", maxUnpackedBytes>>20, (size+1<<20-1)>>20)
}

// stage writes the archive of a program to a new file, because the CDK takes only files.
// The caller removes its directory.
func stage(archive []byte) (path string, err error) {
	dir, err := os.MkdirTemp("", "hearth-asset-")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "program.zip")
	if err := os.WriteFile(path, archive, 0o644); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return path, nil
}

// Prebuild starts to build programs, all at the same time. Before [awscdk.NewApp], it lets
// them build while the CDK starts and the app makes other constructs. Constructors that
// later get the same Entry, Architecture, BuildTags and LinkerFlags wait for these builds,
// instead of starting their own one after the other. They also report failed builds.
// Prebuild does not see a [BackendProps.Handler]: repeat these fields of it, and the
// Environment of the backend.
//
//	hearth.Prebuild(
//		&hearth.HandlerProps{Entry: jsii.String("./shop")},
//		&hearth.HandlerProps{Entry: jsii.String("./search")},
//	)
//	app := awscdk.NewApp(nil)
func Prebuild(handlers ...*HandlerProps) {
	for _, props := range handlers {
		if props == nil {
			continue
		}
		source, err := props.source()
		if err != nil || props.prebuilt() {
			continue
		}
		go func() { _, _ = source.Archive() }()
		if props.ManifestFile == nil && !isFalse(props.Manifest) {
			environment := props.asked() // asks the CDK, which answers one request at a time
			go func() { _, _ = source.Manifest(environment) }()
		}
	}
}

// checkAdded asks the program again with the variables that were added since, also to the
// function itself. The constructs exist already, so they could not follow another answer.
func (h *Handler) checkAdded(variables map[string]any) []string {
	if h.contract == nil || h.props.ManifestFile != nil || h.props.prebuilt() {
		return nil
	}
	environment, added := h.props.addedTo(variables)
	if len(added) == 0 {
		return nil
	}
	source, err := h.props.source()
	if err != nil {
		return nil // load has reported it
	}
	const todo = "set them in Environment of the props, with which synth asks the program"
	switch manifest, err := source.Manifest(environment); {
	case err != nil:
		return []string{fmt.Sprintf("%q must say what it serves with the variables that AddEnvironment has added, %s, got %s; %s", h.contract.entry, list(added), err, todo)}
	case !reflect.DeepEqual(manifest, h.contract.manifest):
		return []string{fmt.Sprintf("%q must serve the same with the variables that AddEnvironment has added, %s, got something else than at its creation; %s", h.contract.entry, list(added), todo)}
	}
	return nil
}

// addedTo returns the variables of asked with those of a function that differ, and the names
// of these. The variables of connections do not count: no program asks them what to serve.
func (p *HandlerProps) addedTo(variables map[string]any) (environment map[string]string, added []string) {
	environment = p.asked()
	for _, name := range sortedKeys(variables) {
		value, plain := variables[name].(string)
		if !plain {
			value = program.Placeholder
		}
		before, was := environment[name]
		if strings.HasPrefix(name, "HEARTH_") || was && (before == value || before == program.Placeholder || p.overrides(name)) {
			continue
		}
		environment[name] = value
		added = append(added, name)
	}
	return environment, added
}

// overrides reports whether ManifestEnvironment has a variable.
func (p *HandlerProps) overrides(name string) bool {
	return p.ManifestEnvironment != nil && (*p.ManifestEnvironment)[name] != nil
}
