//go:build hearth.local

package main

import (
	"context"
	"database/sql"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/lambdahearth/hearth/examples/bookmarks/pagetitle"
	"github.com/lambdahearth/hearth/examples/bookmarks/store/sqlite"
)

// openDB opens a file, which needs nothing installed, unless DATABASE_URL names a
// PostgreSQL database.
func openDB(ctx context.Context) (*sql.DB, error) {
	if os.Getenv("DATABASE_URL") != "" {
		return openPostgres(ctx)
	}
	path := os.Getenv("BOOKMARKS_SQLITE")
	if path == "" {
		path = filepath.Join(os.TempDir(), "hearth-bookmarks.db")
	}
	return sqlite.Open(path)
}

// mayFetch says which addresses pages are fetched from: with
// BOOKMARKS_FETCH_LOOPBACK=1 a web server on this machine too, for trying it out
// without the internet.
func mayFetch(addr netip.Addr) error {
	if os.Getenv("BOOKMARKS_FETCH_LOOPBACK") == "1" && addr.Unmap().IsLoopback() {
		return nil
	}
	return pagetitle.Public(addr)
}
