// Command empty serves nothing.
package main

import (
	"os"

	"github.com/lambdahearth/hearth/internal/wire"
)

func main() {
	m := &wire.Manifest{Version: wire.ManifestVersion}
	if err := m.WriteFile(os.Getenv(wire.EnvManifest)); err != nil {
		panic(err)
	}
}
