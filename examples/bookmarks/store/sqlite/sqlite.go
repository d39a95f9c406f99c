// Package sqlite opens the default database of the example: a file, with nothing to
// install. It is a separate package so that the deployed program does not link it.
package sqlite

import (
	"database/sql"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver, in pure Go
)

// Open opens the database in a file, and creates the file if it does not exist. Several
// processes may open it: writers wait for each other.
func Open(path string) (*sql.DB, error) {
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)"},
		// A transaction that begins with a read could not wait for the write lock.
		"_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}
