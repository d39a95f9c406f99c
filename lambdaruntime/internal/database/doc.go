// Package database has what the packages for PostgreSQL and MySQL share: where the
// database is and how to log in, the limits of connections, who holds them, and the
// words of SQL that change a session.
package database
