package mqttrs

// #include "shim.h"
import "C"

import (
	"context"
	"sync"
	"sync/atomic"
)

// Handler gets messages that have arrived.
type Handler func(*Message)

// route is where messages go that a filter matches; number 0 is for those that none does.
type route struct {
	client *Client
	number uint32
	filter string
	c      *C.struct_mqg_route // memory of the client
	server bool                // set by Serve

	mu      sync.Mutex // for changes, and for closing channels
	targets atomic.Pointer[targets]
}

// targets never change; a change makes new ones.
type targets struct {
	handler Handler
	streams []*stream
}

// stream is the channel of a call of Messages.
type stream struct {
	messages chan *Message
	done     <-chan struct{}
	sending  sync.Mutex
	ended    bool // the channel is closed
}

// send waits until somebody reads the message, or the channel comes to its end.
func (s *stream) send(m *Message, closing <-chan struct{}) {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.ended {
		return
	}
	select {
	case s.messages <- m:
	case <-s.done:
	case <-closing:
	}
}

// routes are those of a client.
type routes struct {
	mu       sync.Mutex
	rest     *route
	byFilter map[string]*route
	all      atomic.Pointer[[]*route] // by their numbers
}

func (r *routes) init(c *Client) {
	r.rest = &route{client: c}
	r.rest.targets.Store(&targets{})
	r.byFilter = make(map[string]*route)
	r.all.Store(&[]*route{r.rest})
}

func (r *routes) byNumber(number uint32) *route {
	all := *r.all.Load()
	if int(number) >= len(all) {
		return r.rest
	}
	return all[number]
}

// Handle has a handler get the messages whose topics match a topic filter, in place of the one that the
// filter had. A message goes to the handlers of all filters that match it, and to OnMessage and the
// channels of Messages where none does. Handle subscribes to nothing: Subscribe does.
//
// "$share/name/filter" stands for what the filter matches, as a filter of its own. Ten thousand
// filters cost a message as much as ten.
func (c *Client) Handle(filter string, handler Handler) error {
	if handler == nil {
		return &OpError{Op: "handle", Err: ErrInvalid}
	}
	return c.changeRoute(filter, func(t targets) targets {
		t.handler = handler
		return t
	})
}

// HandleRest has a handler get the messages that no filter matches, as Options.OnMessage does.
func (c *Client) HandleRest(handler Handler) { c.routes.rest.setHandler(handler) }

// Unhandle ends what Handle began. Messages on their way to the handler do not come to it any more,
// but for one that it may be at.
func (c *Client) Unhandle(filter string) error {
	return c.changeRoute(filter, func(t targets) targets {
		t.handler = nil
		return t
	})
}

// Messages returns a channel that gets the messages that no handler's filter matches, until the end of
// ctx or of the client closes it. The channel has no room of its own: a reader that is behind has
// messages wait, up to Options.ReceiveQueue, and then the server. With AckAfterHandler a message
// counts as handled when the reader has it.
func (c *Client) Messages(ctx context.Context) <-chan *Message {
	return c.stream(ctx, c.routes.rest)
}

// MessagesOf does the same for those that a topic filter matches.
func (c *Client) MessagesOf(ctx context.Context, filter string) (<-chan *Message, error) {
	s := &stream{messages: make(chan *Message), done: ctx.Done()}
	if err := c.changeRoute(filter, func(t targets) targets { return t.with(s) }); err != nil {
		return nil, err
	}
	go c.endStream(ctx, s, func() {
		_ = c.changeRoute(filter, func(t targets) targets { return t.without(s) })
	})
	return s.messages, nil
}

func (c *Client) stream(ctx context.Context, r *route) <-chan *Message {
	s := &stream{messages: make(chan *Message), done: ctx.Done()}
	r.change(func(t targets) targets { return t.with(s) })
	go c.endStream(ctx, s, func() { r.change(func(t targets) targets { return t.without(s) }) })
	return s.messages
}

func (c *Client) endStream(ctx context.Context, s *stream, remove func()) {
	select {
	case <-ctx.Done():
	case <-c.closing:
	}
	remove()
	s.sending.Lock() // Who sends has seen the end too.
	close(s.messages)
	s.ended = true
	s.sending.Unlock()
}

// changeRoute changes the targets of a filter; where there are none any more, the library forgets it.
func (c *Client) changeRoute(filter string, change func(targets) targets) (err error) {
	var a arena
	defer a.free()
	text := a.string(filter)
	if closed := c.call(func(inner *C.struct_mqg_client) {
		all := &c.routes
		all.mu.Lock()
		defer all.mu.Unlock()
		r := all.byFilter[filter]
		if r == nil {
			r = all.add(filter, inner)
		}
		before := *r.targets.Load()
		after := change(before)
		rc := C.int(C.MOSQ_ERR_SUCCESS)
		switch {
		case before.empty() && after.empty():
			rc = C.MOSQ_ERR_NOT_FOUND
		case before.empty():
			rc = C.mqg_route_add(r.c, text)
		case after.empty():
			rc = C.mqg_route_remove(r.c, text)
		}
		if rc == C.MOSQ_ERR_SUCCESS {
			r.targets.Store(&after)
		}
		err = codeError("handle "+filter, int(rc), 0, "")
	}); closed != nil {
		return closed
	}
	return err
}

// add makes a route; it stays, for the library may be about to use it whenever it is removed.
func (r *routes) add(filter string, inner *C.struct_mqg_client) *route {
	all := *r.all.Load()
	added := &route{client: r.rest.client, number: uint32(len(all)), filter: filter}
	added.targets.Store(&targets{})
	added.c = C.mqg_route_new(inner, C.uint32_t(added.number))
	more := append(all, added) // Readers know as many as their own slice has.
	r.all.Store(&more)
	r.byFilter[filter] = added
	return added
}

func (r *route) change(f func(targets) targets) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := f(*r.targets.Load())
	r.targets.Store(&t)
}

func (r *route) setHandler(handler Handler) {
	r.change(func(t targets) targets {
		t.handler = handler
		return t
	})
}

func (t targets) empty() bool { return t.handler == nil && len(t.streams) == 0 }

func (t targets) with(s *stream) targets {
	t.streams = append(append([]*stream{}, t.streams...), s)
	return t
}

func (t targets) without(s *stream) targets {
	var streams []*stream
	for _, other := range t.streams {
		if other != s {
			streams = append(streams, other)
		}
	}
	t.streams = streams
	return t
}
