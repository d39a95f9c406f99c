// Package assembly reads a CDK cloud assembly (cdk.out): the stacks of a synthesized app,
// their CloudFormation templates and their assets.
//
//	app, err := assembly.Load("cdk.out", nil)
//	app.SetValues(values) // the results of Ref and GetAtt on this machine
//	for _, r := range app.OfType("AWS::SQS::Queue") {
//		var p struct{ VisibilityTimeout *assembly.Int }
//		err := r.Decode(&p)
//	}
//
// Properties are resolved only when a caller decodes them. So unresolvable properties of
// resources that nobody simulates do no harm.
//
// https://github.com/aws/aws-cdk-cli/tree/main/packages/%40aws-cdk/cloud-assembly-schema (2026-11)
package assembly

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The account and region of a stack that names none.
const (
	DefaultRegion  = "us-east-1"
	DefaultAccount = "000000000000"
)

// App is a cloud assembly. Once its values are set, it is safe for concurrent use.
type App struct {
	// Dir is the absolute path of the assembly.
	Dir string
	// Stacks are the selected stacks in a stable order, nested ones after their parents.
	Stacks []*Stack

	all    []*Stack          // all stacks, selected or not
	assets map[string]string // object keys to files or folders
	values Values
	// parameters are values of parameters, by name or by stack and name.
	parameters map[string]string
	// unknown collects unknown values while [App.Loosely] runs. If it is nil, an unknown
	// value is an error.
	unknown *[]string
	// asked are the resources whose values are being computed, the outermost first.
	asked []*Resource
}

// Stack is one CloudFormation stack.
type Stack struct {
	// Name is the stack's name.
	Name string
	// Path is the stack's path in the app, such as Prod/Shop. It distinguishes stacks of
	// the same name.
	Path string
	// Region and Account are the stack's own, or the defaults.
	Region, Account string
	// Nested says that the stack is a resource of another stack.
	Nested bool

	app        *App
	parent     *Stack // of a nested stack
	file       string // the path of the template
	template   template
	resources  map[string]*Resource
	parameters map[string]func(depth int) (any, error) // of a nested stack
	children   map[string]*Stack                       // nested stacks by logical id
	undecided  map[string]error                        // why a part is left out: a resource by logical id, another as in Outputs.{id}
}

// Resource is a resource of a stack's template.
type Resource struct {
	// Stack is the resource's stack.
	Stack *Stack
	// ID is the logical id.
	ID string
	// Type is the resource type, such as AWS::SQS::Queue.
	Type string
	// Properties are the template's, with intrinsic functions.
	Properties map[string]any
	// Metadata is the resource's metadata.
	Metadata map[string]any
}

type template struct {
	Parameters map[string]parameter
	Mappings   map[string]map[string]map[string]any
	Conditions map[string]any
	Resources  map[string]resource
	Outputs    map[string]output
}

type parameter struct {
	Type    string
	Default any
}

type resource struct {
	Type       string
	Properties map[string]any
	Metadata   map[string]any
	Condition  string
}

type output struct {
	Value     any
	Condition string
	Export    *struct{ Name any }
}

// Values returns the values of a resource's Ref and attributes. An [ErrUnknown] error
// means that the engine has no such value.
type Values interface {
	Ref(r *Resource) (any, error)
	GetAtt(r *Resource, attribute string) (any, error)
}

// ErrUnknown means that only AWS knows a value: that of a resource that is not simulated,
// of a parameter without a default, of another app's export, and so on.
var ErrUnknown = errors.New("it is not simulated")

// unknownError is an [ErrUnknown] with a reason of its own.
type unknownError string

func unknownf(format string, args ...any) error { return unknownError(fmt.Sprintf(format, args...)) }

// Error implements error.
func (e unknownError) Error() string { return string(e) }

// Is implements the interface of [errors.Is].
func (e unknownError) Is(target error) bool { return target == ErrUnknown }

// Placeholder is the prefix of the text that replaces an unknown value.
const Placeholder = "not-known-here-"

func placeholderOf(stack, id string) string { return Placeholder + strings.ToLower(stack+"-"+id) }

// Loosely runs resolve with placeholders for unknown values. It returns a reason for each
// of them, such as "Ref Bucket of type AWS::S3::Bucket is not known here".
func (a *App) Loosely(resolve func() error) (unknown []string, err error) {
	outer := a.unknown
	a.unknown = &unknown
	defer func() { a.unknown = outer }()
	err = resolve()
	return unknown, err
}

// unknownSoFar returns the number of unknown values since the start of [App.Loosely].
func (a *App) unknownSoFar() int {
	if a.unknown == nil {
		return 0
	}
	return len(*a.unknown)
}

// standIn returns a placeholder instead of an unknown value while [App.Loosely] runs. id
// names it; why is the reason, by default the error.
func (s *Stack) standIn(id, why string, value any, err error) (any, error) {
	if s.app.unknown == nil || !errors.Is(err, ErrUnknown) {
		return value, err
	}
	if why == "" {
		why = err.Error()
	}
	*s.app.unknown = append(*s.app.unknown, why)
	return placeholderOf(s.Name, id), nil
}

// Load reads the assembly in the folder dir. parameters are values of the templates'
// parameters, by name, or by stack and name as in "Shop:Stage". Others have their defaults.
func Load(dir string, parameters map[string]string) (*App, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("read assembly: %w", err)
	}
	app := &App{Dir: abs, assets: map[string]string{}, parameters: parameters}
	if err := app.load(abs); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("read assembly: %w; synthesize the app first", err)
		}
		return nil, fmt.Errorf("read assembly: %w", err)
	}
	app.all = app.Stacks
	return app, nil
}

type manifest struct {
	Artifacts map[string]struct {
		Type        string
		Environment string
		DisplayName string
		Properties  struct {
			TemplateFile  string
			StackName     string
			File          string
			DirectoryName string
		}
	}
	Missing []struct{ Key string }
}

// load reads the manifest in dir, and the manifests of stages in folders below it.
func (a *App) load(dir string) error {
	var m manifest
	if err := readJSON(filepath.Join(dir, "manifest.json"), &m); err != nil {
		return err
	}
	if len(m.Missing) > 0 {
		var keys []string
		for _, missing := range m.Missing {
			keys = append(keys, missing.Key)
		}
		return fmt.Errorf("the app looks up %s in an AWS account; run cdk synth once, so that cdk.context.json has it", strings.Join(keys, ", "))
	}
	for id, artifact := range m.Artifacts { // needed to find nested stacks
		if artifact.Type == "cdk:asset-manifest" {
			if err := a.loadAssets(dir, artifact.Properties.File); err != nil {
				return fmt.Errorf("artifact %s: %w", id, err)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.Artifacts)) {
		artifact := m.Artifacts[id]
		p := artifact.Properties
		var err error
		switch artifact.Type {
		case "cdk:cloud-assembly":
			err = a.load(filepath.Join(dir, p.DirectoryName))
		case "aws:cloudformation:stack":
			stack := &Stack{Name: p.StackName, Path: artifact.DisplayName, app: a}
			if stack.Name == "" {
				stack.Name = id
			}
			// The display name may be "Prod/Shop (Prod-Shop)".
			if stack.Path, _, _ = strings.Cut(stack.Path, " ("); stack.Path == "" {
				stack.Path = id
			}
			stack.Account, stack.Region = environment(artifact.Environment)
			err = stack.load(dir, p.TemplateFile)
		}
		if err != nil {
			return fmt.Errorf("artifact %s: %w", id, err)
		}
	}
	return nil
}

// environment splits aws://{account}/{region}.
func environment(s string) (account, region string) {
	account, region, _ = strings.Cut(strings.TrimPrefix(s, "aws://"), "/")
	if account == "" || account == "unknown-account" {
		account = DefaultAccount
	}
	if region == "" || region == "unknown-region" {
		region = DefaultRegion
	}
	return account, region
}

func (a *App) loadAssets(dir, file string) error {
	var m struct {
		Files map[string]struct {
			Source       struct{ Path string }
			Destinations map[string]struct{ ObjectKey string }
		}
	}
	if err := readJSON(filepath.Join(dir, file), &m); err != nil {
		return err
	}
	for _, f := range m.Files {
		for _, d := range f.Destinations {
			path := f.Source.Path
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			a.assets[d.ObjectKey] = path
		}
	}
	return nil
}

func (s *Stack) load(dir, file string) error {
	s.file = filepath.Join(dir, file)
	for above := s.parent; above != nil; above = above.parent {
		if above.file == s.file {
			return fmt.Errorf("its template %s contains itself", file)
		}
	}
	s.resources, s.children, s.undecided = map[string]*Resource{}, map[string]*Stack{}, map[string]error{}
	if err := s.readTemplate(); err != nil {
		return err
	}
	s.app.Stacks = append(s.app.Stacks, s)
	for _, id := range slices.Sorted(maps.Keys(s.template.Resources)) {
		t := s.template.Resources[id]
		if t.Condition != "" {
			holds, err := s.condition(t.Condition, 0)
			if err != nil {
				s.undecided[id] = err
				continue
			}
			if !holds {
				continue
			}
		}
		r := &Resource{Stack: s, ID: id, Type: t.Type, Properties: t.Properties, Metadata: t.Metadata}
		s.resources[id] = r
		if file := s.templateOf(r); file != "" {
			child := &Stack{Name: s.Name + "-" + id, Path: s.Path + "/" + id, Region: s.Region, Account: s.Account, Nested: true, app: s.app, parent: s}
			child.parameters = map[string]func(int) (any, error){}
			given, _ := t.Properties["Parameters"].(map[string]any)
			for name, value := range given {
				child.parameters[name] = func(depth int) (any, error) { return s.resolve(value, depth) }
			}
			if !filepath.IsAbs(file) {
				file = filepath.Join(dir, file)
			}
			if err := child.load(filepath.Dir(file), filepath.Base(file)); err != nil {
				return fmt.Errorf("nested stack %s: %w", id, err)
			}
			s.children[id] = child
		}
	}
	return nil
}

// assetHash matches the file name that the CDK gives to a nested stack's template in its
// bucket.
var assetHash = regexp.MustCompile(`[0-9a-f]{64}\.(template\.)?json`)

// templateOf returns the file of a nested stack's template. It uses the assets' metadata,
// or else the asset whose hash is in the template's URL. "" means that r is no nested
// stack, or that the assembly lacks its template.
func (s *Stack) templateOf(r *Resource) string {
	if r.Type != "AWS::CloudFormation::Stack" {
		return ""
	}
	if path, ok := r.Metadata["aws:asset:path"].(string); ok {
		return path
	}
	url, _ := json.Marshal(r.Properties["TemplateURL"]) // it was decoded from JSON
	return s.app.assets[string(assetHash.Find(url))]
}

// Child returns the nested stack of a resource of type AWS::CloudFormation::Stack, or nil
// if the assembly lacks its template.
func (r *Resource) Child() *Stack { return r.Stack.children[r.ID] }

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), plainly(err))
	}
	return nil
}

// SetValues sets the values of references. Without it, resolving fails.
func (a *App) SetValues(v Values) { a.values = v }

// Asset returns the file or folder with an object key in the assets' bucket, or "".
func (a *App) Asset(key string) string { return a.assets[key] }

// Select selects stacks and the stacks nested in them. A name is that of a stack, its
// path, the path of a stage, or a pattern such as Prod/* or *-api. References can still use
// the other stacks. No names select all.
func (a *App) Select(names []string) error {
	if len(names) == 0 {
		return nil
	}
	var kept []*Stack
	found := map[string]bool{}
	for _, s := range a.Stacks {
		keep := false
		for _, name := range names {
			if s.named(name) {
				keep, found[name] = true, true
			}
		}
		if keep {
			kept = append(kept, s)
		}
	}
	for _, name := range names {
		if !found[name] {
			var have []string
			for _, s := range a.Stacks {
				if !s.Nested {
					have = append(have, s.label())
				}
			}
			return fmt.Errorf("no stack is named %q; the app has %s", name, strings.Join(have, ", "))
		}
	}
	a.Stacks = kept
	return nil
}

// named reports whether a name in [App.Select] selects the stack.
func (s *Stack) named(name string) bool {
	for ; s != nil; s = s.parent {
		if s.Name == name || s.Path == name || !s.Nested && strings.HasPrefix(s.Path, name+"/") {
			return true
		}
		byName, _ := path.Match(name, s.Name) // an invalid pattern selects nothing
		byPath, _ := path.Match(name, s.Path)
		if byName || byPath {
			return true
		}
	}
	return false
}

// Root returns the stack in which the stack is nested, or the stack itself.
func (s *Stack) Root() *Stack {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// label names a stack for users: its path, and its name if that is another.
func (s *Stack) label() string {
	if s.Path == s.Name || s.Path == "" {
		return s.Name
	}
	return s.Path + " (" + s.Name + ")"
}

// CheckNames refuses stacks with equal names, because their resources would be mixed up.
func (a *App) CheckNames() error {
	paths := map[string]string{}
	for _, s := range a.Stacks {
		if before, ok := paths[s.Name]; ok {
			return fmt.Errorf("the stacks %s and %s are both named %s; choose one with --stack %s", before, s.Path, s.Name, before)
		}
		paths[s.Name] = s.Path
	}
	return nil
}

// Resources returns all resources, by stack and logical id.
func (a *App) Resources() []*Resource {
	var list []*Resource
	for _, s := range a.Stacks {
		for _, id := range slices.Sorted(maps.Keys(s.resources)) {
			list = append(list, s.resources[id])
		}
	}
	return list
}

// OfType returns the resources of one type, by stack and logical id.
func (a *App) OfType(kind string) []*Resource {
	return slices.DeleteFunc(a.Resources(), func(r *Resource) bool { return r.Type != kind })
}

// Undecided says which parts are left out, since they cannot be read, or since only AWS
// knows whether the condition of a resource holds.
func (a *App) Undecided() (reasons []string) {
	for _, s := range a.Stacks {
		for _, id := range slices.Sorted(maps.Keys(s.undecided)) {
			reasons = append(reasons, fmt.Sprintf("%s/%s: %v", s.Name, id, s.undecided[id]))
		}
	}
	return reasons
}

// HasParameter reports whether a stack has a parameter, which is named as in [Load].
func (a *App) HasParameter(name string) bool {
	for _, s := range a.Stacks {
		for id := range s.template.Parameters {
			if name == id || name == s.Name+":"+id {
				return true
			}
		}
	}
	return false
}
