package mqttrs

// #include "shim.h"
import "C"

import (
	"errors"
	"syscall"
	"unsafe"
)

// setServers names the servers of the options to the library, the one of the URL first.
func (c *Client) setServers() error {
	all := []address{c.address}
	for _, server := range c.options.Servers {
		a, err := parseAddress(server)
		if err != nil {
			return err
		}
		if a.tls != c.address.tls || a.websocket != c.address.websocket || a.unix {
			return addressError("%q: servers of one client differ in host and port only", server)
		}
		all = append(all, a)
	}
	var memory arena
	defer memory.free()
	list := (*C.struct_mqttrs_server)(memory.alloc(uintptr(len(all)) * unsafe.Sizeof(C.struct_mqttrs_server{})))
	for i, a := range all {
		s := &unsafe.Slice(list, len(all))[i]
		s.size = C.size_t(unsafe.Sizeof(*s))
		s.host = memory.text(a.host)
		s.port = C.int(a.port)
		s.priority = C.int(i)
	}
	return c.status("connect", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.struct_mqg_status{code: C.mqttrs_servers_set(inner.mosq, list, C.size_t(len(all)), C.MQTTRS_SERVERS_PRIORITY)}
	})
}

func errnoOf(err error) C.int {
	if errno, ok := err.(syscall.Errno); ok {
		return C.int(errno)
	}
	return 0
}

func isNoConnection(err error) bool { return errors.Is(err, ErrNoConnection) }
func isTimeout(err error) bool      { return errors.Is(err, ErrTimeout) }
