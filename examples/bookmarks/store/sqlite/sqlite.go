// Package sqlite opens the database that the example uses where no other is
// configured: a file, with nothing to install. It is a package of its own so that
// the deployed program does not link it.
package sqlite

import (
	"database/sql"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver, in pure Go
)

// Open opens the database in a file, which it creates if need be. Several processes
// may have it open: writers wait for each other.
func Open(path string) (*sql.DB, error) {
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)"},
		// A transaction that began by reading could not wait for the write lock.
		"_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}
