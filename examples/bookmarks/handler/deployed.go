//go:build !hearth.local

package main

import (
	"context"
	"database/sql"

	"github.com/lambdahearth/hearth/examples/bookmarks/pagetitle"
)

// openDB opens the database of the deployed program.
func openDB(ctx context.Context) (*sql.DB, error) { return openPostgres(ctx) }

// mayFetch checks the address of a page before the program fetches it.
var mayFetch = pagetitle.Public
