package mqttrs

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"log"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Client is a client of one server, or of one of several. It lives until Close, whether the program
// holds on to it or not: what it has subscribed to goes on coming to its handlers.
type Client struct {
	options Options
	address address
	loop    *Loop
	number  uint32
	inline  bool // who publishes and waits may hand over himself

	// Held for reading during calls of the library, so that Close waits for them; c is nil afterwards.
	life    sync.RWMutex
	c       *C.struct_mqg_client
	closing chan struct{}
	over    atomic.Bool // closing is closed

	out       outbox
	in        inbox
	routes    routes
	conn      connection
	observers observers
	refused   atomic.Uint64
}

// closeGrace is for how long Close lets DISCONNECT find its way out.
const closeGrace = time.Second

// NewClient makes a client that is not connected yet, of a server that its URL names: mqtt, mqtts, ws
// and wss with host and port, "unix:///path" for a Unix socket. User name and password may stand in it.
func NewClient(server string, options Options) (*Client, error) {
	a, err := parseAddress(server)
	if err != nil {
		return nil, err
	}
	c := &Client{options: options, address: a, loop: options.Loop, closing: make(chan struct{})}
	if c.loop == nil {
		if c.loop, err = sharedLoop(); err != nil {
			return nil, err
		}
	}
	if c.number, err = c.loop.number(c); err != nil {
		return nil, err
	}
	if err = c.create(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Dial makes a client and connects it. It fails when the server cannot be reached or refuses, and
// when ctx ends before; then there is no client left behind.
func Dial(ctx context.Context, server string, options Options) (*Client, error) {
	c, err := NewClient(server, options)
	if err != nil {
		return nil, err
	}
	if err = c.Connect(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) create() error {
	var a arena
	defer a.free()
	o := &c.options
	high := o.ReceiveQueue
	if high <= 0 {
		high = 4096
	}
	if high > 1<<26 {
		high = 1 << 26
	}
	// "obj" of the library's callbacks is memory of the shim, which knows the client by its number.
	inner, err := C.mqg_client_new(c.loop.c, a.text(o.ClientID), C.bool(!o.KeepSession), C.uint32_t(c.number),
		C.int32_t(high), C.int32_t(16*high), C.bool(o.AckMode == AckAutomatic), C.bool(o.Log != nil))
	if inner == nil {
		return &OpError{Op: "new client", Err: err}
	}
	c.c = inner
	c.inline = (o.Queue == nil || o.Queue.Overflow != OverflowWait) && o.Store == nil
	c.out.awaited = (*int32)(unsafe.Pointer(&inner.gate.awaited))
	if err := c.setUp(); err != nil {
		return err
	}
	c.routes.init(c)
	if o.OnMessage != nil {
		c.routes.rest.setHandler(o.OnMessage)
	}
	for filter, handler := range o.Handlers {
		if err := c.Handle(filter, handler); err != nil {
			return err
		}
	}
	rc := C.mqttrs_loop_add(c.loop.c.loop, inner.mosq)
	return codeError("new client", int(rc), 0, c.lastError())
}

// Close ends the client at once: it says good-bye to the server, so that no will is published, and
// ends whatever waits with ErrClosed, messages included that were not sent; Disconnect before it
// lets them go first. Channels of Messages are closed. A handler that runs goes on, and is the last.
// Once more is allowed and does nothing.
func (c *Client) Close() error {
	if !c.conn.close() {
		return nil
	}
	c.over.Store(true)
	close(c.closing)
	left := c.out.close()
	c.sayGoodbye()

	c.life.Lock()
	inner := c.c
	c.c = nil
	c.life.Unlock()
	if inner != nil {
		C.mqg_client_free(inner)
	}
	c.loop.forget(c.number)
	c.in.close()
	for _, s := range left {
		if s.token != nil {
			s.token.complete(s.index, Result{}, ErrClosed)
		}
	}
	return nil
}

// sayGoodbye disconnects, and waits a moment for that to be out.
func (c *Client) sayGoodbye() {
	over := c.conn.watch()
	if c.call(func(inner *C.struct_mqg_client) {
		if C.mosquitto_disconnect(inner.mosq) != C.MOSQ_ERR_SUCCESS {
			over = nil
		}
	}) != nil || over == nil {
		return
	}
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	for {
		select {
		case state := <-over:
			if state == Idle || state == GivenUp {
				return
			}
		case <-timer.C:
			return
		}
	}
}

// call runs a function that calls the library, unless the client has been closed; none may block.
func (c *Client) call(f func(inner *C.struct_mqg_client)) error {
	c.life.RLock()
	defer c.life.RUnlock()
	if c.c == nil {
		return ErrClosed
	}
	f(c.c)
	return nil
}

// lastWords returns what the library says of the last error, for people.
func (c *Client) lastWords() (text string) {
	_ = c.call(func(*C.struct_mqg_client) { text = c.lastError() })
	return text
}

// status does the same with a function of which only its error is of interest.
func (c *Client) status(op string, f func(inner *C.struct_mqg_client) C.struct_mqg_status) (err error) {
	if closed := c.call(func(inner *C.struct_mqg_client) {
		if status := f(inner); status.code != C.MOSQ_ERR_SUCCESS {
			detail := ""
			if status.code != C.MOSQ_ERR_NO_CONN {
				detail = c.lastError()
			}
			err = codeError(op, int(status.code), int(status.error), detail)
		}
	}); closed != nil {
		return closed
	}
	return err
}

// ask makes a request to which an answer comes to the token: `f` gets its slot.
func (c *Client) ask(op op, f func(inner *C.struct_mqg_client, slot C.uint32_t) C.struct_mqg_status) (*Token, error) {
	token := &Token{op: op, left: 1}
	c.out.mu.Lock()
	if c.out.closed {
		c.out.mu.Unlock()
		return nil, ErrClosed
	}
	slot := c.out.occupy(slot{token, 0, true})
	c.out.mu.Unlock()
	// Its answer may be behind messages that are held back.
	c.openGate()
	err := c.status(op.String(), func(inner *C.struct_mqg_client) C.struct_mqg_status { return f(inner, C.uint32_t(slot)) })
	if err != nil {
		c.out.release(slot)
		return nil, err
	}
	return token, nil
}

// protect runs a function of the program, whose panic is reported and goes no further.
func (c *Client) protect(where string, f func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Where: where, Value: value, Stack: debug.Stack()}
			c.report(err)
		}
	}()
	f()
	return nil
}

func (c *Client) report(err error) {
	onError := c.options.OnError
	if onError == nil {
		if p, ok := err.(*PanicError); ok {
			log.Printf("%v\n%s", err, p.Stack)
		} else {
			log.Print(err)
		}
		return
	}
	defer func() {
		if value := recover(); value != nil {
			log.Printf("mqttrs: panic in OnError: %v", value)
		}
	}()
	onError(err)
}
