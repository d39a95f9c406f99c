package httpapi

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// JWT verifies the tokens of an issuer. It differs from AWS in that the issuer may
// be plain HTTP, so that a test can be one.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html (2026-11)
type JWT struct {
	// Issuer is the "iss" of tokens, and where their keys are found.
	Issuer string
	// Audience are the values of which "aud", or else "client_id", must have one.
	Audience []string
	// IdentitySource says where the token is; none means the Authorization header.
	IdentitySource []string

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	fetched time.Time
}

// keysTTL is for how long an issuer's keys are kept.
const keysTTL = 2 * time.Hour

// refetchPause keeps tokens with unknown keys from asking the issuer all the time.
const refetchPause = 5 * time.Second

func (j *JWT) identitySource() string {
	if len(j.IdentitySource) == 0 {
		return "$request.header.Authorization"
	}
	return j.IdentitySource[0]
}

var errToken = errors.New("the token is not valid")

// verify returns a token's claims, as strings, and its scopes.
func (j *JWT) verify(ctx context.Context, token string, now time.Time) (map[string]string, []string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, errToken
	}
	var header struct{ Alg, Kid string }
	var claims map[string]any
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decodePart(parts[0], &header) != nil || decodePart(parts[1], &claims) != nil {
		return nil, nil, errToken
	}
	hash, digest := crypto.Hash(0), []byte(nil)
	signed := []byte(parts[0] + "." + parts[1])
	switch header.Alg { // RSA only, as in AWS
	case "RS256":
		sum := sha256.Sum256(signed)
		hash, digest = crypto.SHA256, sum[:]
	case "RS384":
		sum := sha512.Sum384(signed)
		hash, digest = crypto.SHA384, sum[:]
	case "RS512":
		sum := sha512.Sum512(signed)
		hash, digest = crypto.SHA512, sum[:]
	default:
		return nil, nil, errToken
	}
	key, err := j.key(ctx, header.Kid, now)
	if err != nil {
		return nil, nil, err
	}
	if rsa.VerifyPKCS1v15(key, hash, digest, signature) != nil {
		return nil, nil, errToken
	}
	if err := j.check(claims, now); err != nil {
		return nil, nil, err
	}
	texts := make(map[string]string, len(claims))
	for name, value := range claims {
		texts[name] = claimText(value)
	}
	scopes := strings.Fields(texts["scope"])
	if _, ok := claims["scope"]; !ok {
		scopes = strings.Fields(strings.Trim(texts["scp"], "[]"))
	}
	return texts, scopes, nil
}

func decodePart(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	return d.Decode(into)
}

// claimText writes a claim as the event has it: lists in brackets, apart by spaces.
func claimText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = claimText(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return "null"
	}
	data, _ := json.Marshal(v) // it was decoded from JSON
	return string(data)
}

func (j *JWT) check(claims map[string]any, now time.Time) error {
	number := func(name string) (time.Time, bool) {
		n, ok := claims[name].(json.Number)
		if !ok {
			return time.Time{}, false
		}
		f, err := n.Float64()
		return time.Unix(int64(f), 0), err == nil
	}
	exp, ok := number("exp")
	if !ok || !now.Before(exp) {
		return errToken
	}
	for _, name := range []string{"nbf", "iat"} {
		if t, ok := number(name); ok && now.Before(t) {
			return errToken
		}
	}
	if claims["iss"] != j.Issuer {
		return errToken
	}
	var audience []string
	switch aud := claims["aud"].(type) {
	case string:
		audience = []string{aud}
	case []any:
		for _, a := range aud {
			audience = append(audience, claimText(a))
		}
	case nil:
		if id, ok := claims["client_id"].(string); ok {
			audience = []string{id}
		}
	}
	for _, a := range audience {
		if slices.Contains(j.Audience, a) {
			return nil
		}
	}
	return errToken
}

// key finds the key of a token at the issuer.
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
		return nil, errToken
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

// client leaves no connections behind.
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

// hasScope reports whether a token has one of the scopes that a route asks for.
func hasScope(have, want []string) bool { return len(want) == 0 || scopesOf(have, want) != nil }

// scopesOf returns the scopes of a token that a route asks for; nil for a route
// that asks for none.
func scopesOf(have, want []string) []string {
	var list []string
	for _, s := range want {
		if slices.Contains(have, s) {
			list = append(list, s)
		}
	}
	return list
}
