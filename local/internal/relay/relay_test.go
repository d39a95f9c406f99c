package relay

import (
	"bufio"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

func TestRelay(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go io.Copy(conn, conn) // an echo
		}
	}()
	var down atomic.Bool
	r, err := Listen(server.Addr().String(), down.Load)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dial := func() (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		return conn, bufio.NewReader(conn)
	}
	conn, in := dial()
	io.WriteString(conn, "hello\n")
	if line, err := in.ReadString('\n'); line != "hello\n" {
		t.Fatalf("%q, %v", line, err)
	}
	down.Store(true)
	r.Break()
	if _, err := in.ReadByte(); err == nil {
		t.Error("want the connection broken")
	}
	if _, in = dial(); true {
		if _, err := in.ReadByte(); err == nil {
			t.Error("want new connections refused")
		}
	}
	down.Store(false)
	conn, in = dial()
	io.WriteString(conn, "back\n")
	if line, _ := in.ReadString('\n'); line != "back\n" {
		t.Error("want it back")
	}
}
