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

// openDB opens a SQLite file, which needs no installation, or the PostgreSQL database of
// DATABASE_URL.
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

// mayFetch checks the address of a page before the program fetches it. With
// BOOKMARKS_FETCH_LOOPBACK=1 it also allows a web server on this machine, to try the app
// without the internet.
func mayFetch(addr netip.Addr) error {
	if os.Getenv("BOOKMARKS_FETCH_LOOPBACK") == "1" && addr.Unmap().IsLoopback() {
		return nil
	}
	return pagetitle.Public(addr)
}
