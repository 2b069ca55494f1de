package mqttrs

// #include "shim.h"
import "C"

import (
	"context"
	"strings"
	"unsafe"
)

// Subscription is what to subscribe to. All but the first two is for MQTT 5.
type Subscription struct {
	Filter            string
	QoS               QoS  // the highest in which messages shall come
	NoLocal           bool // not what the client publishes itself
	RetainAsPublished bool // messages keep their retain flag
	Retained          RetainHandling
}

// RetainHandling says when a server sends its retained messages.
type RetainHandling int

// The ways.
const (
	RetainedAlways RetainHandling = C.MQTT_SUB_OPT_SEND_RETAIN_ALWAYS
	RetainedNew    RetainHandling = C.MQTT_SUB_OPT_SEND_RETAIN_NEW // when the subscription is new
	RetainedNever  RetainHandling = C.MQTT_SUB_OPT_SEND_RETAIN_NEVER
)

func (s *Subscription) options() C.int {
	options := C.int(s.QoS) | C.int(s.Retained)
	if s.NoLocal {
		options |= C.MQTT_SUB_OPT_NO_LOCAL
	}
	if s.RetainAsPublished {
		options |= C.MQTT_SUB_OPT_RETAIN_AS_PUBLISHED
	}
	return options
}

// Subscribe subscribes with one request and waits for the answer: for each subscription the granted
// QoS, or a code of 128 or more. Where the server refuses one, the codes are there all the same, and
// the error is a *ReasonError. ErrNoConnection without a connection; ErrConnectionLost when it ends
// before the answer.
func (c *Client) Subscribe(ctx context.Context, subscriptions ...Subscription) ([]ReasonCode, error) {
	return c.SubscribeWith(ctx, nil, subscriptions...)
}

// SubscribeWith is Subscribe with properties, MQTT 5: a subscription identifier, for instance.
func (c *Client) SubscribeWith(ctx context.Context, properties *Properties, subscriptions ...Subscription) ([]ReasonCode, error) {
	filters := make([]string, len(subscriptions))
	options := make([]C.int, len(subscriptions)+1)
	for i := range subscriptions {
		s := &subscriptions[i]
		if filters[i] = s.Filter; s.QoS > ExactlyOnce {
			return nil, &OpError{Op: "subscribe", Err: ErrInvalid}
		}
		options[i] = s.options()
	}
	return c.change(ctx, opSubscribe, filters, properties,
		func(inner *C.struct_mqg_client, list **C.char, data *C.uint8_t, size C.size_t, slot C.uint32_t) C.struct_mqg_status {
			return C.mqg_subscribe(inner, list, &options[0], C.size_t(len(filters)), data, size, slot)
		})
}

// SubscribeFunc sets a handler for a filter and subscribes to it.
func (c *Client) SubscribeFunc(ctx context.Context, filter string, qos QoS, handler Handler) error {
	if err := c.Handle(filter, handler); err != nil {
		return err
	}
	_, err := c.Subscribe(ctx, Subscription{Filter: filter, QoS: qos})
	return err
}

// Unsubscribe ends subscriptions with one request and waits for the answer: a code for each, none
// below MQTT 5.
func (c *Client) Unsubscribe(ctx context.Context, filters ...string) ([]ReasonCode, error) {
	return c.UnsubscribeWith(ctx, nil, filters...)
}

// UnsubscribeWith is Unsubscribe with properties, MQTT 5.
func (c *Client) UnsubscribeWith(ctx context.Context, properties *Properties, filters ...string) ([]ReasonCode, error) {
	return c.change(ctx, opUnsubscribe, filters, properties,
		func(inner *C.struct_mqg_client, list **C.char, data *C.uint8_t, size C.size_t, slot C.uint32_t) C.struct_mqg_status {
			return C.mqg_unsubscribe(inner, list, C.size_t(len(filters)), data, size, slot)
		})
}

type changeFunc func(inner *C.struct_mqg_client, list **C.char, data *C.uint8_t, size C.size_t, slot C.uint32_t) C.struct_mqg_status

func (c *Client) change(ctx context.Context, op op, filters []string, properties *Properties, do changeFunc) ([]ReasonCode, error) {
	for _, filter := range filters {
		if strings.IndexByte(filter, 0) >= 0 {
			return nil, &OpError{Op: op.String(), Err: ErrMalformedUTF8}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var a arena
	defer a.free()
	list := a.texts(filters)
	data, size := bytes(appendProperties(nil, properties))
	token, err := c.ask(op, func(inner *C.struct_mqg_client, slot C.uint32_t) C.struct_mqg_status {
		return do(inner, (**C.char)(unsafe.Pointer(list)), data, size, slot)
	})
	if err != nil {
		return nil, err
	}
	result, err := token.Wait(ctx)
	if result.answer == nil {
		return nil, err
	}
	return result.answer.codes, err
}
