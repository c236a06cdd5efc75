package node

import (
	"fmt"
	"net/netip"
	"sync"
)

// addresses hands out the pod addresses of one node. It goes round its range, so that an
// address rests as long as possible before another pod has it: a client that still talks to a
// pod that is gone must be refused, not served by a stranger.
type addresses struct {
	mu    sync.Mutex
	cidr  netip.Prefix
	last  netip.Addr
	taken map[netip.Addr]bool
}

func newAddresses(cidr netip.Prefix) *addresses {
	return &addresses{cidr: cidr, last: cidr.Addr(), taken: map[netip.Addr]bool{}}
}

func (a *addresses) take() (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// Every address of the range is tried once; the first one names the network.
	for ip := a.after(a.last); ip != a.last; ip = a.after(ip) {
		if !a.taken[ip] {
			a.taken[ip], a.last = true, ip
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is free in %s", a.cidr)
}

func (a *addresses) after(ip netip.Addr) netip.Addr {
	if next := ip.Next(); a.cidr.Contains(next) {
		return next
	}
	return a.cidr.Addr().Next()
}

func (a *addresses) giveBack(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.taken, ip)
}
