// Package examples embeds the projects that hearth new makes. They are whole apps of this
// module, and its tests compile, synthesize and run them.
package examples

import "embed"

// Templates has the projects, each in a folder with its name.
//
//go:embed api/*.go api/*.md api/cdk.json api/.env api/.gitignore api/.github/workflows/*.yml api/handler/*.go api/infra/*.go api/infra/testdata/stack.json
//go:embed jobs/*.go jobs/*.md jobs/cdk.json jobs/.env jobs/.gitignore jobs/.github/workflows/*.yml jobs/handler/*.go jobs/infra/*.go jobs/infra/testdata/stack.json
//go:embed live/*.go live/*.md live/cdk.json live/.env live/.gitignore live/.github/workflows/*.yml live/handler/*.go live/infra/*.go live/infra/testdata/stack.json
//go:embed app/*.go app/*.md app/cdk.json app/.env app/.gitignore app/.github/workflows/*.yml app/handler/*.go app/infra/*.go app/infra/testdata/stack.json
//go:embed full/*.go full/*.md full/cdk.json full/.env full/.gitignore full/.github/workflows/*.yml full/handler/*.go full/infra/*.go full/infra/testdata/stack.json
var Templates embed.FS
