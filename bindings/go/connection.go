package mqttrs

// #include "shim.h"
import "C"

import (
	"context"
	"encoding/binary"
	"sync"
	"time"
)

// ConnAck is a server's consent to a connection.
type ConnAck struct {
	SessionPresent bool        // the server kept the session
	Properties     *Properties // MQTT 5; nil for none

	code uint32
}

// State is where the life of a connection stands.
type State int

// The states.
const (
	Idle       State = C.MQTTRS_LIFECYCLE_IDLE       // there is no connection, and none comes by itself
	Connecting State = C.MQTTRS_LIFECYCLE_CONNECTING // an attempt is going on
	Up         State = C.MQTTRS_LIFECYCLE_UP         // the server has accepted the connection
	Waiting    State = C.MQTTRS_LIFECYCLE_WAITING    // the next attempt comes after a delay
	GivenUp    State = C.MQTTRS_LIFECYCLE_GIVEN_UP   // no attempt follows until Connect asks for one
)

// String returns the name of the state.
func (s State) String() string {
	if s < Idle || s > GivenUp {
		return "unknown"
	}
	return [...]string{"idle", "connecting", "up", "waiting", "given up"}[s]
}

// Event says that the life of a connection goes on.
type Event struct {
	State   State
	Err     error         // what went wrong before; nil for nothing
	Host    string        // the server of this attempt or the last
	Port    int           // 0 for a Unix socket
	Attempt int           // how many were made in a row
	Delay   time.Duration // until the next attempt, in Waiting
}

// connection is what is known of it, and who wants to hear of it.
type connection struct {
	mu       sync.Mutex
	closed   bool
	state    State
	ack      ConnAck
	refusal  error // of the attempt that goes on
	waiting  *connecting
	watchers []chan State
}

// connecting is a call of Connect that waits.
type connecting struct {
	begun bool       // its attempt, not one before
	retry bool       // attempts that fail are not its end
	over  bool       // done has it
	done  chan error // with room for one
}

// Connect connects, and waits until the server has accepted. It fails with the first attempt that
// does (but see Options.ConnectRetry), and when ctx ends; no further attempt is made then. From a
// first success on, lost connections are made again until Disconnect or Close.
//
// Errors: a *ReasonError, also ErrConnectionRefused, where the server refuses; ErrLookup, ErrTLS,
// ErrSystem with a syscall.Errno and so on where it cannot be reached; ErrInvalid while another call
// connects or the client is connected; ErrClosed.
func (c *Client) Connect(ctx context.Context) error {
	w := &connecting{retry: c.options.ConnectRetry, done: make(chan error, 1)}
	if err := c.conn.begin(w); err != nil {
		return err
	}
	err := c.beginConnect()
	if err == nil {
		select {
		case err = <-w.done:
		case <-ctx.Done():
			err = &OpError{Op: "connect", Err: ctx.Err(), Detail: c.lastWords()}
		}
	}
	c.conn.end(w)
	if err != nil {
		_ = c.call(func(inner *C.struct_mqg_client) { C.mosquitto_disconnect(inner.mosq) })
	}
	return err
}

func (c *Client) beginConnect() error {
	keepAlive := c.options.KeepAlive
	if keepAlive == 0 {
		keepAlive = time.Minute
	}
	seconds := C.int((keepAlive + time.Second - 1) / time.Second)
	properties := c.connectProperties()
	if c.address.unix {
		if properties != nil {
			return &OpError{Op: "connect", Err: ErrNotSupported, Detail: "properties of CONNECT over a Unix socket"}
		}
		var a arena
		defer a.free()
		return c.status("connect", func(inner *C.struct_mqg_client) C.struct_mqg_status {
			code, err := C.mosquitto_connect_async(inner.mosq, a.text(c.address.host), 0, seconds)
			return C.struct_mqg_status{code: code, error: errnoOf(err)}
		})
	}
	if err := c.setServers(); err != nil {
		return err
	}
	data, size := bytes(appendProperties(nil, properties))
	return c.status("connect", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.mqg_connect(inner, seconds, data, size)
	})
}

// connectProperties are those of the options; a session that is kept is kept as before MQTT 5.
func (c *Client) connectProperties() *Properties {
	o := &c.options
	if !o.KeepSession || o.Protocol != 0 && o.Protocol != MQTT5 || o.Properties != nil && o.Properties.SessionExpiry != nil {
		return o.Properties
	}
	var p Properties
	if o.Properties != nil {
		p = *o.Properties
	}
	p.SessionExpiry = Ptr[uint32](0xffffffff)
	return &p
}

// Disconnect lets what was published before go to its end, disconnects, and returns when the
// connection has ended. When ctx ends before, the connection is ended all the same, and messages
// that are left wait for the next one. It returns nil where there was no connection.
func (c *Client) Disconnect(ctx context.Context) error {
	return c.DisconnectWith(ctx, Success, nil)
}

// DisconnectWith is Disconnect with a reason and properties for DISCONNECT, MQTT 5:
// [DisconnectWithWill] has the server publish the will.
func (c *Client) DisconnectWith(ctx context.Context, reason ReasonCode, properties *Properties) error {
	if c.State() == Idle {
		return c.call(func(inner *C.struct_mqg_client) { C.mosquitto_disconnect(inner.mosq) })
	}
	drained := c.Drain(ctx)
	over := c.conn.watch()
	defer c.conn.unwatch(over)
	data, size := bytes(appendProperties(nil, properties))
	err := c.status("disconnect", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.mqg_disconnect(inner, C.int(reason), data, size)
	})
	if err != nil && !isNoConnection(err) {
		return err
	}
	for c.State() != Idle && c.State() != GivenUp && err == nil {
		select {
		case <-over:
		case <-ctx.Done():
			// At once, whatever the network does.
			_ = c.call(func(inner *C.struct_mqg_client) { C.mqttrs_disconnect_timeout(inner.mosq, 0) })
			return ctx.Err()
		case <-c.closing:
			return ErrClosed
		}
	}
	if drained != nil && !isNoConnection(drained) {
		return drained
	}
	return nil
}

// drainSlice is for how long a thread is lent to the library for waiting.
const drainSlice = 50 // milliseconds

// Drain waits until it is known what became of every message that was handed over before, at most
// until the end of ctx. ErrNoConnection says that some are left and no connection comes by itself.
func (c *Client) Drain(ctx context.Context) error {
	if err := c.out.waitIdle(ctx); err != nil {
		return err
	}
	for {
		done := make(chan error, 1)
		go func() {
			done <- c.status("drain", func(inner *C.struct_mqg_client) C.struct_mqg_status {
				return C.struct_mqg_status{code: C.mqttrs_drain(inner.mosq, drainSlice)}
			})
		}()
		select {
		case err := <-done:
			if !isTimeout(err) {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// State returns where the life of the connection stands.
func (c *Client) State() State {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return c.conn.state
}

// ConnAck returns the server's answer of the present or last connection.
func (c *Client) ConnAck() ConnAck {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return c.conn.ack
}

// ReconnectNow says that the network has changed: what waits with the next attempt makes it now. A
// connection that stands has to show a sign of life within `patience`, unless that is 0.
func (c *Client) ReconnectNow(patience time.Duration) error {
	return c.status("reconnect", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.struct_mqg_status{code: C.mqttrs_reconnect_now(inner.mosq, milliseconds(patience))}
	})
}

func (c *Client) onConnAck(ack ConnAck) {
	o := &c.conn
	o.mu.Lock()
	if ack.code == 0 {
		o.ack = ack
		if w := o.waiting; w != nil && w.begun {
			w.finish(nil)
		}
	} else {
		reason := ReasonCode(ack.code)
		if c.options.Protocol != 0 && c.options.Protocol != MQTT5 {
			reason = connectReason(ack.code)
		}
		o.refusal = &ReasonError{Op: "connect", Reason: reason, Properties: ack.Properties}
	}
	o.mu.Unlock()
	if ack.code == 0 && c.options.OnConnect != nil {
		c.observers.add(c, "OnConnect", func() { c.options.OnConnect(ack) })
	}
}

func (c *Client) onLifecycle(e Event) {
	o := &c.conn
	o.mu.Lock()
	o.state = e.State
	if e.Err != nil && o.refusal != nil {
		e.Err = o.refusal
	}
	switch w := o.waiting; e.State {
	case Connecting:
		o.refusal = nil
		if w != nil {
			w.begun = true
		}
	case Waiting:
		// Without a delay the next of several servers is tried.
		if w != nil && w.begun && !w.retry && e.Delay > 0 {
			w.finish(e.Err)
		}
	case GivenUp, Idle:
		if w != nil && w.begun {
			w.finish(e.Err)
		}
	}
	for _, watcher := range o.watchers {
		select {
		case watcher <- e.State:
		default:
		}
	}
	o.mu.Unlock()
	if c.options.OnLifecycle != nil {
		c.observers.add(c, "OnLifecycle", func() { c.options.OnLifecycle(e) })
	}
}

// finish says how it went; the first word counts.
func (w *connecting) finish(err error) {
	if !w.over {
		w.over = true
		w.done <- err
	}
}

func (o *connection) begin(w *connecting) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return ErrClosed
	case o.waiting != nil:
		return &OpError{Op: "connect", Err: ErrInvalid, Detail: "another call connects"}
	case o.state == Up:
		return &OpError{Op: "connect", Err: ErrInvalid, Detail: "there is a connection"}
	}
	o.waiting = w
	return nil
}

func (o *connection) end(w *connecting) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == w {
		o.waiting = nil
	}
}

// close says whether it is the first time.
func (o *connection) close() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.closed = true
	if o.waiting != nil {
		o.waiting.finish(ErrClosed)
	}
	return true
}

// watch returns a channel that gets the states from now on; it has room for some.
func (o *connection) watch() chan State {
	o.mu.Lock()
	defer o.mu.Unlock()
	watcher := make(chan State, 16)
	o.watchers = append(o.watchers, watcher)
	return watcher
}

func (o *connection) unwatch(watcher chan State) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, w := range o.watchers {
		if w == watcher {
			o.watchers = append(o.watchers[:i], o.watchers[i+1:]...)
			return
		}
	}
}

func readConnAck(body []byte) ConnAck {
	properties := binary.LittleEndian.Uint32(body[8:])
	return ConnAck{
		code:           binary.LittleEndian.Uint32(body),
		SessionPresent: binary.LittleEndian.Uint32(body[4:])&1 != 0,
		Properties:     readProperties(body[16 : 16+properties]),
	}
}

// connectionError is why a connection ended; the server's reason for that, in MQTT 5, is a
// *ReasonError inside.
func connectionError(cause int, detail string) error {
	if cause >= 128 {
		return &OpError{Op: "connection", Detail: detail, Err: &ReasonError{Op: "connection", Reason: ReasonCode(cause)}}
	}
	return codeError("connection", cause, 0, detail)
}

func readLifecycle(body []byte) Event {
	number := func(i int) int { return int(int32(binary.LittleEndian.Uint32(body[4*i:]))) }
	text := body[32:]
	detail, host := string(text[:number(5)]), string(text[number(5):number(5)+number(6)])
	return Event{
		State:   State(number(0)),
		Err:     connectionError(number(1), detail),
		Host:    host,
		Port:    number(2),
		Attempt: number(3),
		Delay:   time.Duration(uint32(number(4))) * time.Millisecond,
	}
}
