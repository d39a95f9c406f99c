// Package database holds the code that the packages for PostgreSQL and MySQL share:
// address and log-in of the database, limits of database connections, leases of them, and
// a scanner for SQL that changes a session.
package database
