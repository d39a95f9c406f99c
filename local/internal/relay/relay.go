// Package relay passes TCP connections on to a server and can break them. It shows how
// programs behave when they lose their database.
package relay

import (
	"io"
	"net"
	"sync"
)

// Relay is a loopback port that leads to a server. It is safe for concurrent use.
type Relay struct {
	target   string
	down     func() bool
	listener net.Listener
	tasks    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	ended bool
}

// Listen opens a relay to target, host:port. While down returns true, it closes new
// connections at once. The caller closes the relay.
func Listen(target string, down func() bool) (*Relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{target: target, down: down, listener: listener, conns: map[net.Conn]bool{}}
	r.tasks.Go(r.accept)
	return r, nil
}

// Addr returns the relay's address.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		if r.down() || !r.hold(client) {
			client.Close() //nolint:errcheck // that is the purpose
			continue
		}
		r.tasks.Go(func() { r.pass(client) })
	}
}

// hold adds a connection, and returns false if the relay has ended.
func (r *Relay) hold(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.conns[conn] = true
	}
	return !r.ended
}

func (r *Relay) drop(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
	conn.Close() //nolint:errcheck // it may have ended
}

func (r *Relay) pass(client net.Conn) {
	defer r.drop(client)
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	if !r.hold(server) {
		server.Close() //nolint:errcheck // the relay has ended
		return
	}
	defer r.drop(server)
	var both sync.WaitGroup
	forward := func(to, from net.Conn) {
		io.Copy(to, from) //nolint:errcheck // either end may close
		if half, ok := to.(*net.TCPConn); ok {
			half.CloseWrite() //nolint:errcheck // it may have ended
		}
	}
	both.Go(func() { forward(server, client) })
	both.Go(func() { forward(client, server) })
	both.Wait()
}

// Break closes all connections.
func (r *Relay) Break() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		conn.Close() //nolint:errcheck // it may have ended
	}
}

// Close ends the relay and all its connections, and waits for their end.
func (r *Relay) Close() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.listener.Close() //nolint:errcheck // it is only called once
	r.Break()
	r.tasks.Wait()
}
