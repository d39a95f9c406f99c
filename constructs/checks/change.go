package checks

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./internal/createonly createonly.txt

// Change describes the effect of an update on one resource.
type Change struct {
	// Change is add, update, replace or delete.
	Change string `json:"change"`
	// File is the newer template, or the older template of a deleted stack.
	File string `json:"file"`
	// LogicalID and Path identify the resource, as in [Finding].
	LogicalID string `json:"logicalId"`
	Path      string `json:"path"`
	// Type is the resource type.
	Type string `json:"type"`
	// Because names the changed properties, or for a replacement the properties that cause
	// it.
	Because string `json:"because"`
	// Loses says what the update loses or interrupts; "" if no loss is known.
	Loses string `json:"loses"`
}

// The values of [Change.Change].
const (
	added    = "add"
	updated  = "update"
	replaced = "replace"
	deleted  = "delete"
)

// String returns the change in one line.
func (c Change) String() string {
	text := c.File + ": " + c.LogicalID
	if c.Path != "" {
		text += " (" + c.Path + ")"
	}
	text += ": " + c.Change + " " + c.Type
	if c.Because != "" {
		text += " because of " + c.Because
	}
	if c.Loses != "" {
		text += "; loses " + c.Loses
	}
	return text
}

//go:embed createonly.txt
var createOnlyText string

// createOnly has, for each resource type, the properties whose change replaces the resource.
// The value is false if the replacement also depends on other conditions.
var createOnly = sync.OnceValue(func() map[string]map[string]bool {
	types := map[string]map[string]bool{}
	for line := range strings.Lines(createOnlyText) {
		kind, properties, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		types[kind] = map[string]bool{}
		for _, name := range strings.Fields(properties) {
			name, depends := strings.CutSuffix(name, "?")
			types[kind][name] = !depends
		}
	}
	return types
})

// Compare returns the changes of an update from the templates before to the templates
// after. It matches templates by name. It lists a resource whose properties stay the same
// only if the resource refers to a replaced one.
func Compare(before, after []Source) ([]Change, error) {
	old, err := parse(before)
	if err != nil {
		return nil, err
	}
	next, err := parse(after)
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	paired := map[string]*stack{}
	for _, s := range old.stacks {
		paired[s.file] = s
	}
	for _, s := range next.stacks {
		changes = append(changes, compareStacks(paired[s.file], s)...)
		delete(paired, s.file)
	}
	for _, file := range slices.Sorted(maps.Keys(paired)) {
		changes = append(changes, compareStacks(paired[file], nil)...)
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.LogicalID, b.LogicalID))
	})
	return changes, nil
}

// compareStacks compares two versions of a stack. One of them may be nil.
func compareStacks(old, next *stack) []Change {
	var changes []Change
	before, after := old.all(), next.all()
	for id, r := range before {
		if after[id] == nil {
			changes = append(changes, r.change(deleted, "", r.losses(deleted)))
		}
	}
	for id, r := range after {
		if before[id] == nil {
			changes = append(changes, r.change(added, "", r.additionLosses(before, after)))
		}
	}
	// A replaced resource gets a new identity, so resources that refer to it may be
	// replaced too. Repeat until no more are found.
	causes := map[string][]string{}
	for again := true; again; {
		again = false
		for _, id := range slices.Sorted(maps.Keys(after)) {
			if before[id] == nil || causes[id] != nil {
				continue
			}
			if why := replacementOf(before[id], after[id], causes); why != nil {
				causes[id], again = why, true
			}
		}
	}
	for id, r := range after {
		was := before[id]
		switch {
		case was == nil:
		case causes[id] != nil:
			changes = append(changes, r.change(replaced, list(causes[id]), r.replacementLosses(was, causes[id])))
		default:
			if why := updateOf(was, r, causes); len(why) > 0 {
				changes = append(changes, r.change(updated, list(why), r.updateLosses(was)))
			}
		}
	}
	return changes
}

func (s *stack) all() map[string]*resource {
	if s == nil {
		return nil
	}
	return s.resources
}

func (r *resource) change(what, because, loses string) Change {
	return Change{Change: what, File: r.stack.file, LogicalID: r.id, Path: r.path, Type: r.kind, Because: because, Loses: loses}
}

// changedProperties returns the properties that differ, in order.
func changedProperties(was, is *resource) []string {
	var names []string
	for name, v := range is.raw.Properties {
		if !reflect.DeepEqual(v, was.raw.Properties[name]) {
			names = append(names, name)
		}
	}
	for name := range was.raw.Properties {
		if _, ok := is.raw.Properties[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// replacementOf returns the reasons for a replacement of a resource; nil if it stays.
func replacementOf(was, is *resource, causes map[string][]string) []string {
	if was.kind != is.kind {
		return []string{"Type"}
	}
	var why []string
	for _, name := range changedProperties(was, is) {
		if createOnly()[is.kind][name] || strings.HasPrefix(is.kind, "Custom::") && name == "ServiceToken" {
			why = append(why, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(is.raw.Properties)) {
		if createOnly()[is.kind][name] && !slices.Contains(why, name) {
			if id := refersTo(is.raw.Properties[name], is.id, causes); id != "" {
				why = append(why, fmt.Sprintf("%s (%s is replaced)", name, id))
			}
		}
	}
	return why
}

// updateOf returns the reasons for an update in place of a resource, or nil.
func updateOf(was, is *resource, causes map[string][]string) []string {
	var why []string
	for _, name := range changedProperties(was, is) {
		if _, depends := createOnly()[is.kind][name]; depends {
			name += " (which may replace it)"
		}
		why = append(why, name)
	}
	for _, name := range slices.Sorted(maps.Keys(is.raw.Properties)) {
		if reflect.DeepEqual(is.raw.Properties[name], was.raw.Properties[name]) {
			if id := refersTo(is.raw.Properties[name], is.id, causes); id != "" {
				why = append(why, fmt.Sprintf("%s (%s is replaced)", name, id))
			}
		}
	}
	return why
}

// refersTo returns a replaced resource that a property refers to, or "".
func refersTo(property any, self string, causes map[string][]string) string {
	for _, id := range references(rawResource{Properties: map[string]any{"": property}}) {
		if id != self && causes[id] != nil {
			return id
		}
	}
	return ""
}
