package checks

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The versions of the programs that docs/checks.md compares with the rules.
const (
	validatorVersion = "1.9.0"
	cfnLintVersion   = "1.51.0"
)

// validator runs AWS's validator on files, and prints the files that have a finding.
const validator = `
const v = require("./package/node_modules/@aws/cloudformation-validate");
if (v.version() !== process.argv[2]) { console.log("version " + v.version()); process.exit(0); }
const engine = new v.CelEngine();
for (const file of process.argv.slice(3)) {
	const report = engine.validateStandard(new v.TemplateFile(file), {severityLevel: "WARN"});
	if (report.diagnostics.some(d => d.severity !== "INFO" && d.severity !== "DEBUG")) console.log(file);
}`

// TestBeside computes which faults other programs find, and compares the result with the
// table of docs/checks.md. The programs take half a minute. So a digest of the templates, the
// versions and the table is beside the table: as long as it is right, they are not asked.
func TestBeside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := slices.SortedFunc(maps.Keys(mutations), func(a, b string) int {
		return strings.Compare(mutations[a].want+a, mutations[b].want+b)
	})
	file := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%02d.json", i)) }
	files := []string{filepath.Join(dir, "clean.json")}
	if err := os.WriteFile(files[0], clean(t), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		files = append(files, file(i))
		if err := os.WriteFile(file(i), clean(t, mutations[name].changes...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const page, begin, end = "../../docs/checks.md", "<!-- made by go test ./constructs/checks -run TestBeside -update -->\n", "<!-- end -->"
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	have, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no marks", page)
	}
	if i := strings.LastIndex(have, "<!-- sha256 "); i >= 0 && have[i:] == digestOf(t, have[:i], files) && !*update {
		return
	}
	for _, program := range []string{"node", "cfn-lint"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: the table is not up to date, and %v", err)
		}
	}
	byAWS, byLint := askValidator(t, dir, files), askLint(t, files)
	if byAWS[files[0]] || byLint[files[0]] {
		t.Errorf("another program finds something in the clean template: AWS %v, cfn-lint %v", byAWS[files[0]], byLint[files[0]])
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| The fault | AWS's validator %s | cfn-lint %s | Hearth |\n|---|---|---|---|\n", validatorVersion, cfnLintVersion)
	say := map[bool]string{true: "yes", false: "no"}
	counts := [2]int{}
	for i, name := range names {
		rule, _, _ := strings.Cut(mutations[name].want, " ")
		fmt.Fprintf(&table, "| %s | %s | %s | `%s` |\n", name, say[byAWS[file(i)]], say[byLint[file(i)]], rule)
		for j, found := range []bool{byAWS[file(i)], byLint[file(i)]} {
			if found {
				counts[j]++
			}
		}
	}
	fmt.Fprintf(&table, "| of %d | %d | %d | %[1]d |\n", len(names), counts[0], counts[1])
	golden(t, page, before+begin+table.String()+digestOf(t, table.String(), files)+end+after)
}

// digestOf returns the line with the digest of a table and of all that it depends on.
func digestOf(t *testing.T, table string, files []string) string {
	t.Helper()
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s\n%s", validatorVersion, cfnLintVersion, table)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(data)
	}
	return fmt.Sprintf("<!-- sha256 %x -->\n", sum.Sum(nil))
}

// askValidator runs the validator of the CDK's Go module.
func askValidator(t *testing.T, dir string, files []string) map[string]bool {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-cdk-go/awscdk/v2").Output()
	if err != nil {
		t.Skipf("skipped: the CDK's module is not there: %v", err)
	}
	archives, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(module)), "jsii", "*.tgz"))
	if err != nil || len(archives) != 1 {
		t.Skipf("skipped: the CDK's module has no archive: %v, %v", archives, err)
	}
	extract(t, archives[0], "package/node_modules/@aws/cloudformation-validate/", dir)
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"-e", validator, "--", "-", validatorVersion}, files...)...)
	cmd.Dir = dir
	return lines(t, cmd)
}

// lines returns the lines that a command prints; it skips the test for another version.
func lines(t *testing.T, cmd *exec.Cmd) map[string]bool {
	t.Helper()
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%v\n%s%s", err, out, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if other, ok := strings.CutPrefix(line, "version "); ok {
			t.Skipf("skipped: the validator is %s, the page shows %s", other, validatorVersion)
		}
		found[line] = true
	}
	return found
}

// extract unpacks the files of an archive whose names begin with prefix.
func extract(t *testing.T, archive, prefix, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg || !strings.HasPrefix(header.Name, prefix) || !filepath.IsLocal(header.Name) {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, header.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// askLint runs cfn-lint.
func askLint(t *testing.T, files []string) map[string]bool {
	t.Helper()
	version, err := exec.CommandContext(t.Context(), "cfn-lint", "--version").Output()
	if err != nil || strings.TrimSpace(string(version)) != "cfn-lint "+cfnLintVersion {
		t.Skipf("skipped: cfn-lint is %q, %v, the page shows %s", version, err, cfnLintVersion)
	}
	out, err := exec.CommandContext(t.Context(), "cfn-lint", append([]string{"--format", "json", "--regions", "eu-north-1", "--"}, files...)...).Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var list []struct{ Filename, Level string }
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := map[string]bool{}
	for _, l := range list {
		if l.Level != "Informational" {
			found[l.Filename] = true
		}
	}
	return found
}
