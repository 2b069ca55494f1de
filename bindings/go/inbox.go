package mqttrs

// #include "shim.h"
import "C"

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// inbox holds messages until their handlers have them. A goroutine hands them out while there are
// any, and ends when there are none: a client that is idle has no goroutine.
type inbox struct {
	mu      sync.Mutex
	queue   []*Message
	spare   []*Message
	running bool
	closed  bool

	// Those that are being handed out, and the next of them; only for the goroutine that does.
	batch []*Message
	next  int
}

// handledStep is after how many messages the gate hears that there is room.
const handledStep = 64

// deliver takes messages from the loop.
func (c *Client) deliver(messages []*Message) {
	in := &c.in
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return
	}
	in.queue = append(in.queue, messages...)
	first := !in.running
	in.running = true
	in.mu.Unlock()
	if first {
		go c.handOut()
	}
}

func (in *inbox) take() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) == 0 || in.closed {
		in.running = false
		return false
	}
	in.batch, in.queue = in.queue, in.spare[:0]
	in.next = 0
	return true
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.queue = nil
}

func (in *inbox) isClosed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.closed
}

func (c *Client) handOut() {
	in := &c.in
	whole := false
	defer func() {
		if !whole { // A handler has ended its goroutine, by runtime.Goexit.
			go c.handOut()
		}
	}()
	handled := 0
	for {
		for in.next < len(in.batch) {
			m := in.batch[in.next]
			in.batch[in.next] = nil
			in.next++
			if handled++; handled == handledStep {
				c.makeRoom(handled)
				handled = 0
				if in.isClosed() {
					in.batch = nil
				}
			}
			c.handOutOne(m)
		}
		if cap(in.batch) <= 1<<16 {
			in.spare = in.batch[:0]
		}
		in.batch = nil
		c.makeRoom(handled)
		handled = 0
		if !in.take() {
			whole = true
			return
		}
	}
}

func (c *Client) handOutOne(m *Message) {
	t := m.route.targets.Load()
	reason := Success
	if m.held {
		defer func() { c.handled(m, reason) }() // Even if the handler ends the goroutine.
	}
	if t.handler != nil {
		if c.over.Load() {
			return
		}
		reason = ImplementationSpecific
		if c.protect("message handler", func() { t.handler(m) }) == nil {
			reason = Success
		}
	}
	for _, s := range t.streams {
		s.send(m, c.closing)
	}
}

// handled acknowledges a message that no other handler is to have.
func (c *Client) handled(m *Message, reason ReasonCode) {
	if !m.lastHandler() {
		return
	}
	if c.options.AckMode == AckAutomatic || c.options.Protocol != 0 && c.options.Protocol != MQTT5 {
		reason = Success
	}
	_ = c.acknowledge(m.mid, reason)
}

func (c *Client) acknowledge(mid uint16, reason ReasonCode) error {
	return c.status("acknowledge", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		code, err := C.mqttrs_ack(inner.mosq, C.int(mid), C.int(reason))
		return C.struct_mqg_status{code: code, error: errnoOf(err)}
	})
}

// makeRoom says that messages have left the queue, and opens the gate when there is room again.
func (c *Client) makeRoom(messages int) {
	if messages == 0 {
		return
	}
	_ = c.call(func(inner *C.struct_mqg_client) {
		atomic.AddInt32((*int32)(unsafe.Pointer(&inner.gate.queued)), -int32(messages))
		c.openGateOf(inner)
	})
}

// openGate has the gate look again, if it is shut: something from the network is awaited now.
func (c *Client) openGate() { _ = c.call(c.openGateOf) }

func (c *Client) openGateOf(inner *C.struct_mqg_client) {
	if atomic.LoadInt32((*int32)(unsafe.Pointer(&inner.gate.shut))) != 0 {
		C.mqg_gate_update(inner)
	}
}
