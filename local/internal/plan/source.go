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

// Source is the origin of a function's program.
type Source struct {
	Dir     string // the folder of the Go main package, "" for a built program
	Tags    string // additional build tags
	Program string // the built program, if there is one
	Asset   string // the folder with the deployed code, "" if unknown
	// Environment has the function's variables from the template. The program runs with
	// them when the engine asks for its manifest.
	Environment map[string]string
}

// Key returns a key that is equal for functions with the same build.
func (s *Source) Key() string { return s.Dir + "\x00" + s.Tags + "\x00" + s.Asset }

// findSource finds a function's program: from the options, from the folder in the metadata
// of the constructs, or the deployed program if it runs on this machine.
func (p *planner) findSource(r *assembly.Resource) (Source, error) {
	asset, err := p.assetOf(r)
	if err != nil {
		return Source{}, &unusableError{err.Error()}
	}
	s := Source{Asset: asset, Environment: variablesOf(r)}
	if binary, ok := of(p.Programs, r); ok {
		s.Program = binary
		return s, nil
	}
	if dir, ok := of(p.Handlers, r); ok {
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

// unusableError is the reason why a function cannot run on this machine.
type unusableError struct{ why string }

func (e *unusableError) Error() string { return e.why }

func checkDir(r *assembly.Resource, dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: the folder of the function's Go program, %s, is not there", r, dir)
	}
	return nil
}

// variablesOf returns the variables of a function, with a placeholder for each value
// that CloudFormation would resolve.
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

// assetOf returns the folder with the function's deployed code, or "". It unpacks an
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

// whyNotHere returns the reason why a deployed program does not run on this machine; "" if
// it runs.
func whyNotHere(path string) string {
	here := runtime.GOOS + "/" + runtime.GOARCH
	file, err := os.Open(path)
	if err != nil {
		return "what is deployed has no file bootstrap"
	}
	defer file.Close() //nolint:errcheck // it is only read
	info, err := file.Stat()
	switch {
	case err == nil && info.IsDir():
		return "the deployed bootstrap is a folder"
	case err == nil && info.Mode().Perm()&0o111 == 0:
		return "the deployed bootstrap is not executable, so that Lambda cannot start it either"
	}
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
