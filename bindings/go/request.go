package mqttrs

// #include "shim.h"
import "C"

import (
	"context"
	"math"
	"strings"
	"time"
)

// requestPatience is for how long a request waits whose context has no end.
const requestPatience = 30 * time.Second

// Request publishes a request and waits for its response, at most until the end of ctx, or 30 seconds
// where that has none. In MQTT 5 the library makes the properties Response Topic and Correlation Data;
// below, and after RequestByTopic, topics alone do it; see mqttrs_request.
//
// ErrTimeout says that the time was over, ErrAccessDenied that the server does not let the client
// subscribe to responses.
func (c *Client) Request(ctx context.Context, m Message) (*Message, error) {
	if err := checkMessage(&m); err != nil {
		return nil, &OpError{Op: "request", Err: err}
	}
	patience := requestPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline)
	}
	if err := ctx.Err(); err != nil || patience <= 0 {
		if err == nil {
			err = context.DeadlineExceeded
		}
		return nil, err
	}
	data, _ := bytes(appendMessage(nil, &m, noSlot))
	token, err := c.ask(opRequest, func(inner *C.struct_mqg_client, slot C.uint32_t) C.struct_mqg_status {
		return C.mqg_request(inner, data, milliseconds(patience), slot)
	})
	if err != nil {
		return nil, err
	}
	result, err := token.Wait(ctx)
	if result.answer == nil {
		return nil, err
	}
	return result.answer.response, err
}

// RequestByTopic makes requests by topics alone in MQTT 5 too, for who answers them and speaks MQTT 3.
func (c *Client) RequestByTopic(on bool) error {
	return c.status("request by topic", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.struct_mqg_status{code: C.mqttrs_request_by_topic_set(inner.mosq, C.bool(on))}
	})
}

// Serve has a handler answer requests to a topic, with Message.Respond: it subscribes, now and on
// every connection to come. "$share/name/topic" shares the requests with others of that name. Requests
// come one at a time, with the other messages; a handler may leave the answer to a goroutine.
func (c *Client) Serve(topic string, qos QoS, handler Handler) error {
	if handler == nil || qos > ExactlyOnce || strings.IndexByte(topic, 0) >= 0 {
		return &OpError{Op: "serve", Err: ErrInvalid}
	}
	var a arena
	defer a.free()
	text := a.string(topic)
	return c.status("serve", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		all := &c.routes
		all.mu.Lock()
		defer all.mu.Unlock()
		key := serveKey(topic)
		r := all.byFilter[key]
		if r == nil {
			r = all.add(key, inner)
		}
		r.setHandler(handler)
		return C.mqg_serve(r.c, text, C.int(qos))
	})
}

// ServeEnd ends what Serve began, and unsubscribes.
func (c *Client) ServeEnd(topic string) error {
	var a arena
	defer a.free()
	text := a.string(topic)
	return c.status("serve", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.mqg_serve_end(inner, text)
	})
}

// serveKey is no topic filter, so it is the name of no other route.
func serveKey(topic string) string { return "\x00serve " + topic }

// Respond publishes the response to a request, in the way in which that came: in the handler of
// Serve or later, from any goroutine, and once. It does not wait for what becomes of the response.
// ErrInvalid says that the message asks for none.
func (m *Message) Respond(payload []byte, qos QoS, properties *Properties) error {
	if m.route == nil {
		return &OpError{Op: "respond", Err: ErrInvalid}
	}
	response := Message{Payload: payload, QoS: qos, Properties: properties}
	if err := checkMessage(&response); err != nil {
		return &OpError{Op: "respond", Err: err}
	}
	if len(m.Topic) > math.MaxUint16 {
		return &OpError{Op: "respond", Err: ErrInvalid}
	}
	request := Message{Topic: m.Topic, QoS: m.QoS, Properties: m.Properties}
	asked, _ := bytes(appendMessage(nil, &request, noSlot))
	answer, _ := bytes(appendMessage(nil, &response, noSlot))
	return m.route.client.status("respond", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.mqg_respond(inner, asked, answer)
	})
}
