package registry

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Memory is a [Registry] in this process's memory, for tests and programs that run as one
// process. [NewMemory] makes it.
//
// Instances of a Lambda function share no memory, and neither do those of hearth dev:
// each would know its own connections only.
type Memory struct {
	now func() time.Time

	mu     sync.Mutex
	owners map[string]string
	users  map[string]expiries
}

var _ Registry = (*Memory)(nil)

// NewMemory returns an empty registry.
func NewMemory() *Memory {
	return &Memory{now: time.Now, owners: map[string]string{}, users: map[string]expiries{}}
}

// Connect implements [Registry].
func (m *Memory) Connect(_ context.Context, connectionID, user string, now time.Time) (first bool, err error) {
	if err := check("connect", connectionID, user); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if owner, ok := m.owners[connectionID]; ok && owner != user {
		return false, fmt.Errorf("registry: connect %q: %w", connectionID, errOtherUser)
	}
	all := m.users[user]
	if all == nil {
		all = expiries{}
		m.users[user] = all
	}
	for _, id := range all.forgotten(now) {
		delete(all, id)
		delete(m.owners, id)
	}
	first = len(all.live(now, connectionID)) == 0
	all[connectionID] = now.Add(lifetime).Unix()
	m.owners[connectionID] = user
	return first, nil
}

// Disconnect implements [Registry].
func (m *Memory) Disconnect(_ context.Context, connectionID string) (user string, last bool, err error) {
	if err := check("disconnect", connectionID); err != nil {
		return "", false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	user, ok := m.owners[connectionID]
	if !ok {
		return "", false, nil
	}
	all := m.users[user]
	last = len(all.live(m.now(), connectionID)) == 0
	delete(all, connectionID)
	delete(m.owners, connectionID)
	if len(all) == 0 {
		delete(m.users, user)
	}
	return user, last, nil
}

// Connections implements [Registry].
func (m *Memory) Connections(_ context.Context, user string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.users[user].live(m.now(), ""), nil
}

// Online implements [Registry].
func (m *Memory) Online(_ context.Context, users ...string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var online []string
	for _, user := range unique(users) {
		if len(m.users[user].live(m.now(), "")) > 0 {
			online = append(online, user)
		}
	}
	return online, nil
}
