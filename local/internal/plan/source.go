package plan

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lambdahearth/hearth/internal/program"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// Source is the source of a function's program.
type Source struct {
	Dir     string // the Go main package, "" for a program that exists already
	Tags    string // further build tags
	Program string // the program, if it exists already
	Asset   string // the folder that is deployed, "" if unknown
	// Environment is the function's variables in the template, for the run that prints
	// the program's manifest.
	Environment map[string]string
}

// Key returns the same key for functions that run the same build.
func (s *Source) Key() string { return s.Dir + "\x00" + s.Tags + "\x00" + s.Asset }

// findSource returns a function's source: the option's, the folder that the constructs
// recorded, or the deployed program itself if it runs on this machine.
func (p *planner) findSource(r *assembly.Resource) (Source, error) {
	asset, err := p.assetOf(r)
	if err != nil {
		return Source{}, &unusableError{err.Error()}
	}
	s := Source{Asset: asset, Environment: variablesOf(r)}
	if binary, ok := p.Programs[r.ID]; ok {
		s.Program = binary
		return s, nil
	}
	if dir, ok := p.Handlers[r.ID]; ok {
		s.Dir = p.resolveDir(dir)
		return s, checkDir(r, s.Dir)
	}
	why := "the assembly does not say where the function's Go program is"
	if entry, ok := r.Metadata[wire.MetadataEntry].(string); ok && entry != "" {
		dir := p.resolveDir(entry)
		err := checkDir(r, dir)
		if err == nil {
			s.Dir = dir
			s.Tags, _ = r.Metadata[wire.MetadataBuildTags].(string)
			return s, nil
		}
		why = "the folder of the function's Go program, " + dir + ", is not there"
	}
	deployed := "there is no deployed program in the assembly"
	if s.Asset != "" {
		bootstrap := filepath.Join(s.Asset, "bootstrap")
		if deployed = whyNotHere(bootstrap); deployed == "" {
			s.Program = bootstrap
			return s, nil
		}
	}
	return s, &unusableError{fmt.Sprintf("it does not run here: %s, and %s; name the folder of its Go program with --handler %s=DIR", why, deployed, r.ID)}
}

// unusableError says why a function cannot run on this machine.
type unusableError struct{ why string }

func (e *unusableError) Error() string { return e.why }

func checkDir(r *assembly.Resource, dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: the folder of the function's Go program, %s, is not there", r, dir)
	}
	return nil
}

// variablesOf returns a function's variables, with a placeholder for each value that
// CloudFormation would resolve.
func variablesOf(r *assembly.Resource) map[string]string {
	var props struct {
		Environment struct{ Variables map[string]any }
	}
	if r.Decode(&props) != nil {
		return nil
	}
	variables := map[string]string{}
	for name, value := range props.Environment.Variables {
		variables[name] = program.Placeholder
		if text, ok := value.(string); ok {
			variables[name] = text
		}
	}
	return variables
}

// assetOf returns the deployed folder of the function's code, or "". It unpacks an
// archive.
func (p *planner) assetOf(r *assembly.Resource) (string, error) {
	var props struct{ Code struct{ S3Key string } }
	if r.Decode(&props) != nil {
		return "", nil
	}
	path := p.app.Asset(props.Code.S3Key)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", nil
	case info.IsDir():
		return path, nil
	}
	return p.Unpack(path)
}

// whyNotHere says why a deployed program does not run on this machine; "" means that it
// does.
func whyNotHere(path string) string {
	here := runtime.GOOS + "/" + runtime.GOARCH
	file, err := os.Open(path)
	if err != nil {
		return "what is deployed has no file bootstrap"
	}
	defer file.Close() //nolint:errcheck // it is only read
	program, err := elf.NewFile(file)
	if err != nil {
		head := make([]byte, 2)
		if _, err := file.ReadAt(head, 0); err == nil && string(head) == "#!" {
			return "the deployed bootstrap is a script, which wants the programs of Lambda's own machines"
		}
		return "the deployed bootstrap is no program for Linux"
	}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	if runtime.GOOS != "linux" || program.Machine != machine {
		return fmt.Sprintf("the deployed bootstrap is for linux/%s, and this machine is %s", strings.ToLower(strings.TrimPrefix(program.Machine.String(), "EM_")), here)
	}
	return ""
}
