package pagetitle

import (
	"fmt"
	"net/netip"
	"syscall"
)

// special has the blocks of IPv4, and of IPv6's global unicast space, without hosts of the
// public internet.
// https://www.iana.org/assignments/iana-ipv4-special-registry (2026-11)
// https://www.iana.org/assignments/iana-ipv6-special-registry (2026-11)
var special = func() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // carriers' NAT
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local, with the credentials of instances and containers
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // relays to IPv6, withdrawn
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast
		"2001::/23",       // protocol assignments, with Teredo
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4, which holds any IPv4 address
		"3fff::/20",       // documentation
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()

// globalIPv6 is the only block of IPv6 with public hosts. Unique local and link-local
// addresses, ::1 and the prefixes that translate to IPv4 are outside it.
var globalIPv6 = netip.MustParsePrefix("2000::/3")

// Public refuses every address that is not a host of the public internet.
func Public(addr netip.Addr) error {
	plain := addr.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	refused := !plain.IsValid() || plain.Zone() != "" || plain.Is6() && !globalIPv6.Contains(plain)
	for _, block := range special {
		refused = refused || block.Contains(plain)
	}
	if refused {
		return fmt.Errorf("%s is not a public address", addr)
	}
	return nil
}

// control checks each address just before the connection to it, after the DNS lookup, and
// for redirects too. So a name cannot change its address between the check and its use.
func control(check func(netip.Addr) error) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err == nil {
			err = check(target.Addr())
		}
		if err != nil {
			return &refusal{err}
		}
		return nil
	}
}

// refusal marks errors that a retry cannot fix.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// Is makes a refusal an ErrPermanent.
func (r *refusal) Is(target error) bool { return target == ErrPermanent }
