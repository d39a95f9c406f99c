package test

import (
	"fmt"
	"go/format"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the repository's pages for people.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*/*.md"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, list...)
	}
	if len(found) < 15 {
		t.Fatalf("found %d pages", len(found))
	}
	return found
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fence   = regexp.MustCompile("(?ms)^[ \t]*```([a-z]*)\n(.*?)^[ \t]*```")
)

// anchors are the fragments that a page's headings have on GitHub.
func anchors(page string) []string {
	var list []string
	for _, found := range heading.FindAllStringSubmatch(page, -1) {
		text := strings.ToLower(strings.NewReplacer("`", "", "*", "").Replace(found[1]))
		text = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(text, "")
		list = append(list, strings.ReplaceAll(text, " ", "-"))
	}
	return list
}

// TestLinks: links within the repository lead to files and headings that exist.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
			target, err := url.Parse(found[1])
			if err != nil {
				t.Errorf("%s: %s: %v", page, found[1], err)
				continue
			}
			if target.IsAbs() {
				continue
			}
			path := page
			if target.Path != "" {
				path = filepath.Join(filepath.Dir(page), target.Path)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %s leads nowhere", page, found[1])
				continue
			}
			if target.Fragment != "" && !slices.Contains(anchors(read(t, path)), target.Fragment) {
				t.Errorf("%s: %s has no such heading", page, found[1])
			}
		}
	}
}

// TestGoBlocks: Go on the pages can be parsed: a file, declarations, statements, or the
// fields of a literal. A whole program also compiles.
func TestGoBlocks(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for i, block := range fence.FindAllStringSubmatch(read(t, page), -1) {
			if block[1] != "go" {
				continue
			}
			code := strings.ReplaceAll(block[2], "…", "nil")
			_, err := format.Source([]byte(code))
			if err != nil {
				for _, wrap := range []string{"package p\nvar _ = T{\n%s\n}", "package p\nfunc _() { f(\n%s) }"} {
					if _, wrapped := format.Source(fmt.Appendf(nil, wrap, code)); wrapped == nil {
						err = nil
					}
				}
			}
			if err != nil {
				t.Errorf("%s: Go block %d: %v\n%s", page, i, err, block[2])
				continue
			}
			if strings.Contains(code, "\npackage main\n") || strings.HasPrefix(code, "package main\n") {
				compile(t, page, code)
			}
		}
	}
}

// compile compiles a program in this module.
func compile(t *testing.T, page, code string) {
	t.Helper()
	dir, err := os.MkdirTemp("testdata", "page-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: a program does not compile: %v\n%s\n%s", page, err, out, code)
	}
}

var invocation = regexp.MustCompile(`(?m)(?:^|[ \t\x60(|])(?:go run \./cmd/|go tool )?hearth ([a-z]+)([^\n\x60|#<>]*)`)

// TestCommands: the commands that pages name exist, with their flags.
func TestCommands(t *testing.T) {
	t.Parallel()
	hearth, err := hearthCommand()
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	helpOf := func(command string) string {
		if _, known := help[command]; !known {
			out, err := exec.CommandContext(t.Context(), hearth, command, "--help").CombinedOutput()
			if err != nil {
				out = nil
			}
			help[command] = string(out)
		}
		return help[command]
	}
	checked := 0
	for _, page := range pages(t) {
		text := read(t, page)
		// Commands stand in blocks and in backquotes.
		var code []string
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			if slices.Contains([]string{"", "sh", "console", "yaml"}, block[1]) {
				code = append(code, block[2])
			}
		}
		code = append(code, regexp.MustCompile("`[^`\n]+`").FindAllString(fence.ReplaceAllString(text, ""), -1)...)
		for _, c := range code {
			for _, found := range invocation.FindAllStringSubmatch(c, -1) {
				command, rest := found[1], found[2]
				if strings.HasPrefix(strings.TrimSpace(rest), ":") { // a message of the command
					continue
				}
				checked++
				usage := helpOf(command)
				if usage == "" {
					t.Errorf("%s: there is no command %q", page, "hearth "+command)
					continue
				}
				for _, flag := range regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(rest, -1) {
					if !strings.Contains(usage, flag+" ") && !strings.Contains(usage, flag+"\n") {
						t.Errorf("%s: hearth %s has no flag %s", page, command, flag)
					}
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("found %d commands", checked)
	}
}

// TestReadmeIsShort: the README stays under 200 lines.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	if lines := strings.Count(read(t, "../README.md"), "\n"); lines >= 200 {
		t.Errorf("README.md has %d lines", lines)
	}
}
