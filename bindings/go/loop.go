package mqttrs

// #cgo pkg-config: mqttrs
// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Loop is what drives clients: one goroutine, and the thread that it waits in, for any number of
// them. Clients share one that the package makes, unless Options.Loop names another; more than one
// pays where several busy clients shall use several cores.
//
// No function of the program runs on a loop, so none can hold it up.
type Loop struct {
	c       *C.struct_mqg_loop
	done    chan struct{}
	closing atomic.Bool
	decoder decoder

	mu      sync.Mutex
	clients map[uint32]*Client
	last    uint32
}

// NewLoop makes a loop.
func NewLoop() (*Loop, error) {
	c, err := C.mqg_loop_new()
	if c == nil {
		return nil, &OpError{Op: "new loop", Err: err}
	}
	l := &Loop{c: c, done: make(chan struct{}), clients: make(map[uint32]*Client)}
	l.decoder.loop = l
	go l.run()
	return l, nil
}

// Close ends the loop. Its clients have to be closed before: until then it returns an error and
// does nothing. Once more is allowed and does nothing.
func (l *Loop) Close() error {
	l.mu.Lock()
	if len(l.clients) > 0 {
		l.mu.Unlock()
		return &OpError{Op: "close loop", Err: ErrInvalid, Detail: "there are clients in it"}
	}
	first := !l.closing.Swap(true)
	l.mu.Unlock()
	if !first {
		<-l.done
		return nil
	}
	// A stop that comes between two turns is for neither, so it may have to be said again.
	for {
		C.mqttrs_loop_stop(l.c.loop)
		select {
		case <-l.done:
			C.mqg_loop_free(l.c)
			return nil
		case <-time.After(time.Millisecond):
		}
	}
}

var shared struct {
	sync.Mutex
	loop *Loop
}

// sharedLoop returns the loop of clients that name none. It stays for the rest of the process.
func sharedLoop() (*Loop, error) {
	shared.Lock()
	defer shared.Unlock()
	var err error
	if shared.loop == nil {
		shared.loop, err = NewLoop()
	}
	return shared.loop, err
}

func (l *Loop) run() {
	defer close(l.done)
	for !l.closing.Load() {
		if C.mqg_loop_turn(l.c, -1) != C.MOSQ_ERR_SUCCESS {
			// The system does not poll: it is out of something, which may pass.
			time.Sleep(10 * time.Millisecond)
		}
		if n := int(l.c.taken.len); n > 0 {
			l.decoder.decode(unsafe.Slice((*byte)(l.c.taken.data), n))
			// Whoever has something to do now goes first: the next turn takes the processor away
			// from goroutines, and that it waits is noticed late.
			runtime.Gosched()
		}
	}
}

// number gives a client the number by which the shim speaks of it. Numbers are not used again before
// all others were, so an event that comes late finds nobody.
func (l *Loop) number(c *Client) (uint32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing.Load() {
		return 0, ErrClosed
	}
	for {
		l.last++
		if _, taken := l.clients[l.last]; !taken && l.last != 0 {
			l.clients[l.last] = c
			return l.last, nil
		}
	}
}

func (l *Loop) client(number uint32) *Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clients[number]
}

func (l *Loop) forget(number uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.clients, number)
}
