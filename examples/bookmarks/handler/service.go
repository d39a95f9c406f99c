package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/postgres"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// service has the dependencies of the handlers. Those that tests replace are interfaces.
type service struct {
	db interface {
		Get(ctx context.Context) (*store.Store, error)
	}
	changes sender[store.Change]
	titles  sender[titleJob]
	clients interface {
		SendAll(ctx context.Context, connectionIDs []string, data []byte) (gone []string, err error)
	}
	pages interface {
		Title(ctx context.Context, url string) (string, error)
	}
}

type sender[T any] interface {
	Send(ctx context.Context, payload T, opts ...producer.Option) error
}

// pool has a connection for each concurrent job.
var pool = postgres.New("postgres", postgres.Options{MaxConns: titlesAtOnce})

func openStore(ctx context.Context) (*store.Store, error) {
	db, err := openDB(ctx)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, db)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

func openPostgres(ctx context.Context) (*sql.DB, error) {
	p, err := pool.Get(ctx)
	if err != nil {
		return nil, err
	}
	return stdlib.OpenDBFromPool(p), nil
}

// demoUser is the user of requests without an identity.
const demoUser = "demo"

// userPattern matches the valid ids of SQS message groups.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html (2026-11)
var userPattern = regexp.MustCompile(`^[!-~]{1,128}$`)

// userOf returns the user of an HTTP request or WebSocket handshake: the subject of the
// token that API Gateway's authorizer has verified, or else the demo user. claimed is the
// user that the client claims to be. userOf ignores it, unless
// BOOKMARKS_TRUST_USER_HEADER=1 says that all clients are trusted.
func userOf(ctx context.Context, claimed string) (string, error) {
	user := demoUser
	if claimed != "" && os.Getenv("BOOKMARKS_TRUST_USER_HEADER") == "1" {
		user = claimed
	}
	if event, ok := lambdaruntime.EventFromContext(ctx); ok {
		var e struct {
			RequestContext struct {
				Authorizer struct {
					JWT struct {
						Claims struct {
							Subject string `json:"sub"`
						} `json:"claims"`
					} `json:"jwt"` // an HTTP API's JWT authorizer
					PrincipalID string `json:"principalId"` // a WebSocket API's Lambda authorizer
				} `json:"authorizer"`
			} `json:"requestContext"`
		}
		if err := json.Unmarshal([]byte(event.Payload), &e); err != nil {
			return "", &lambdaruntime.StatusError{Status: 400, Message: "the identity cannot be read"}
		}
		if id := e.RequestContext.Authorizer; id.JWT.Claims.Subject != "" {
			user = id.JWT.Claims.Subject
		} else if id.PrincipalID != "" {
			user = id.PrincipalID
		}
	}
	if !userPattern.MatchString(user) {
		return "", &lambdaruntime.StatusError{Status: 403, Message: "the user's id must be 1 to 128 ASCII characters without spaces"}
	}
	return user, nil
}

var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// idPattern matches the results of newID.
var idPattern = regexp.MustCompile(`^[0-9a-v]{26}$`)

// newID returns an id of 26 characters that cannot be guessed and sorts by time.
func newID(at time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(at.UnixMilli())<<16)
	rand.Read(b[6:])
	return strings.ToLower(idEncoding.EncodeToString(b[:]))
}
