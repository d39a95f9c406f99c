//go:build !hearth.local

package main

import (
	"context"
	"database/sql"

	"github.com/lambdahearth/hearth/examples/bookmarks/pagetitle"
)

// openDB opens the database that this program runs on in AWS.
func openDB(ctx context.Context) (*sql.DB, error) { return openPostgres(ctx) }

// mayFetch says which addresses pages are fetched from.
var mayFetch = pagetitle.Public
