package httpapi

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/golang-jwt/jwt/v5"
)

// JWT verifies the tokens of an issuer. Unlike on AWS the issuer may use plain HTTP, so
// that a test can be an issuer.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html (2026-11)
type JWT struct {
	// Issuer is the "iss" of tokens, and the URL under which their keys are found.
	Issuer string
	// Audience are the accepted values of "aud", or else of "client_id".
	Audience []string
	// IdentitySource are expressions for the token; none means the Authorization header.
	IdentitySource []string

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	fetched time.Time
}

// keysTTL is how long an issuer's keys are cached.
const keysTTL = 2 * time.Hour

// refetchPause is the shortest time between two fetches, so that tokens with unknown keys
// do not flood the issuer.
const refetchPause = 5 * time.Second

func (j *JWT) identitySource() string {
	if len(j.IdentitySource) == 0 {
		return "$request.header.Authorization"
	}
	return j.IdentitySource[0]
}

var errToken = errors.New("the token is not valid")

// verify returns a token's claims, as strings, and its scopes. Any error other than
// errToken means that the issuer's keys could not be fetched.
func (j *JWT) verify(ctx context.Context, token string, now time.Time) (map[string]string, []string, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512"}), // RSA only, as in AWS
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(j.Issuer),
		jwt.WithJSONNumber(), jwt.WithTimeFunc(func() time.Time { return now }),
	)
	claims := jwt.MapClaims{}
	var unasked error
	_, err := parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		key, err := j.key(ctx, id, now)
		if !errors.Is(err, errToken) {
			unasked = err
		}
		return key, err
	})
	if unasked != nil {
		return nil, nil, unasked
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errToken, err)
	}
	if !j.isFor(claims) {
		return nil, nil, fmt.Errorf("%w: its aud, or else its client_id, is none of %q", errToken, j.Audience)
	}
	texts := make(map[string]string, len(claims))
	for name, value := range claims {
		texts[name] = gateway.Text(value)
	}
	scopes := strings.Fields(texts["scope"])
	if _, ok := claims["scope"]; !ok {
		scopes = strings.Fields(strings.Trim(texts["scp"], "[]"))
	}
	return texts, scopes, nil
}

// isFor reports whether a token is for one of the audiences: by "aud", or else by
// "client_id".
func (j *JWT) isFor(claims jwt.MapClaims) bool {
	if id, ok := claims["client_id"].(string); ok && claims["aud"] == nil {
		return slices.Contains(j.Audience, id)
	}
	audience, err := claims.GetAudience()
	return err == nil && slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(j.Audience, a) })
}

// key returns the token's key from the issuer.
func (j *JWT) key(ctx context.Context, id string, now time.Time) (*rsa.PublicKey, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	key := j.keys[id]
	if age := now.Sub(j.fetched); j.keys == nil || age > keysTTL || key == nil && age > refetchPause {
		keys, err := fetchKeys(ctx, j.Issuer)
		if err != nil {
			return nil, fmt.Errorf("fetch the keys of %s: %w", j.Issuer, err)
		}
		j.keys, j.fetched, key = keys, now, keys[id]
	}
	if key == nil {
		return nil, fmt.Errorf("%w: its issuer has no key of its kid", errToken)
	}
	return key, nil
}

func fetchKeys(ctx context.Context, issuer string) (map[string]*rsa.PublicKey, error) {
	var discovery struct {
		JWKSURI string `json:"jwks_uri"`
	}
	if err := fetch(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	if err := fetch(ctx, discovery.JWKSURI, &set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err1 := base64.RawURLEncoding.DecodeString(k.N)
		e, err2 := base64.RawURLEncoding.DecodeString(k.E)
		if k.Kty != "RSA" || err1 != nil || err2 != nil || len(e) > 4 || len(n) == 0 {
			continue
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return keys, nil
}

// client keeps no idle connections.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func fetch(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxDiscoveryBytes)).Decode(into)
}

// hasScope reports whether a token has one of the scopes that a route requires.
func hasScope(have, want []string) bool { return len(want) == 0 || scopesOf(have, want) != nil }

// scopesOf returns the token's scopes that the route requires; nil if the route requires
// none.
func scopesOf(have, want []string) []string {
	var list []string
	for _, s := range want {
		if slices.Contains(have, s) {
			list = append(list, s)
		}
	}
	return list
}
