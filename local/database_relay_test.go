package local

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
)

// TestDatabaseGone: functions reach a database on this machine through a relay that a
// fault can break; the state names the database itself.
func TestDatabaseGone(t *testing.T) {
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
			go io.Copy(conn, conn) //nolint:errcheck // an echo
		}
	}()
	d, err := openDatabase(t.Context(), "postgres://me:secret@"+server.Addr().String()+"/shop")
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	var gone atomic.Bool
	if err := d.reachThrough(gone.Load); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{wire.EnvDatabaseHost: "x"}
	d.at().SetEnv(env)
	there, err := url.Parse(env["DATABASE_URL"])
	if err != nil || there.Host == server.Addr().String() || there.Port() != env[wire.EnvDatabasePort] || there.Path != "/shop" {
		t.Errorf("%v, %v", env, err)
	}
	if got := d.describe(nil); !strings.Contains(got, server.Addr().String()) || strings.Contains(got, "secret") {
		t.Errorf("described as %s", got)
	}
	answers := func() bool {
		conn, err := net.Dial("tcp", there.Host)
		if err != nil {
			return false
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "x")
		n, _ := conn.Read(make([]byte, 1))
		return n == 1
	}
	if !answers() {
		t.Error("want the database to answer")
	}
	gone.Store(true)
	d.breakConnections()
	if answers() {
		t.Error("want it gone")
	}
	gone.Store(false)
	if !answers() {
		t.Error("want it back")
	}
	far, err := openDatabase(t.Context(), "postgres://me:secret@db.example:6432/shop")
	if err == nil {
		err = far.reachThrough(gone.Load)
	}
	if err != nil || far.relay != nil || far.at().Host() != "db.example" {
		t.Errorf("a database elsewhere: %+v, %v", far, err)
	}
}
