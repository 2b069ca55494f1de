package mqttrs

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"time"
	"unsafe"
)

// arena holds what C is to read until a call is over.
type arena []unsafe.Pointer

func (a *arena) free() {
	for _, p := range *a {
		C.free(p)
	}
}

func (a *arena) alloc(size uintptr) unsafe.Pointer {
	p := C.calloc(1, C.size_t(size))
	*a = append(*a, p)
	return p
}

// text returns a C string, NULL for an empty one.
func (a *arena) text(s string) *C.char {
	if s == "" {
		return nil
	}
	return a.string(s)
}

func (a *arena) string(s string) *C.char {
	p := C.CString(s)
	*a = append(*a, unsafe.Pointer(p))
	return p
}

func (a *arena) texts(all []string) **C.char {
	list := (**C.char)(a.alloc(uintptr(len(all)+1) * unsafe.Sizeof((*C.char)(nil))))
	for i, s := range all {
		unsafe.Slice(list, len(all))[i] = a.string(s)
	}
	return list
}

// bytes returns a pointer into Go's memory, for the time of a call.
func bytes(data []byte) (*C.uint8_t, C.size_t) {
	if len(data) == 0 {
		return nil, 0
	}
	return (*C.uint8_t)(unsafe.Pointer(&data[0])), C.size_t(len(data))
}

func untyped(data []byte) (unsafe.Pointer, C.size_t) {
	p, size := bytes(data)
	return unsafe.Pointer(p), size
}

// setUp tells the library what the options say. Each step returns what the library does.
func (c *Client) setUp() error {
	o, m := &c.options, c.c.mosq
	var a arena
	defer a.free()

	version := o.Protocol
	if version == 0 {
		version = MQTT5
	}
	steps := []struct {
		name string
		want bool
		do   func() C.int
	}{
		{"protocol", true, func() C.int {
			return C.mosquitto_int_option(m, C.MOSQ_OPT_PROTOCOL_VERSION, C.int(version))
		}},
		// The library gathers packets itself; holding back small ones would only delay them.
		{"TCP_NODELAY", true, func() C.int {
			return C.mosquitto_int_option(m, C.MOSQ_OPT_TCP_NODELAY, 1)
		}},
		{"transport", c.address.websocket, func() C.int {
			return C.mosquitto_int_option(m, C.MOSQ_OPT_TRANSPORT, C.MOSQ_T_WEBSOCKETS)
		}},
		{"path", c.address.websocket, func() C.int {
			return C.mosquitto_string_option(m, C.MOSQ_OPT_HTTP_PATH, a.text(c.address.path))
		}},
		{"credentials", c.username() != "" || c.password() != "", func() C.int {
			return C.mosquitto_username_pw_set(m, a.text(c.username()), a.text(c.password()))
		}},
		{"BindAddress", o.BindAddress != "", func() C.int {
			return C.mosquitto_string_option(m, C.MOSQ_OPT_BIND_ADDRESS, a.text(o.BindAddress))
		}},
		{"ConnectTimeout", o.ConnectTimeout > 0, func() C.int {
			return C.mqttrs_connect_timeout_set(m, milliseconds(o.ConnectTimeout))
		}},
		{"InFlight", o.InFlight != 0, func() C.int {
			return C.mosquitto_max_inflight_messages_set(m, C.uint(o.InFlight))
		}},
		{"ReceiveMaximum", o.ReceiveMaximum != 0, func() C.int {
			return C.mosquitto_int_option(m, C.MOSQ_OPT_RECEIVE_MAXIMUM, C.int(o.ReceiveMaximum))
		}},
		{"TopicAliases", o.TopicAliases, func() C.int {
			return C.mqttrs_automatic_topic_aliases_set(m, true)
		}},
		{"resubscribing", !o.NoResubscribe, func() C.int {
			return C.mqttrs_resubscribe_set(m, true)
		}},
		{"Reconnect", o.Reconnect != nil, func() C.int { return c.setReconnect(&a) }},
		{"Queue", o.Queue != nil, func() C.int { return c.setQueue(&a) }},
		{"Will", o.Will != nil, func() C.int { return c.setWill() }},
	}
	for _, step := range steps {
		if step.want {
			if rc := step.do(); rc != C.MOSQ_ERR_SUCCESS {
				return codeError("option "+step.name, int(rc), 0, c.lastError())
			}
		}
	}
	if c.address.tls {
		if err := c.setTLS(&a); err != nil {
			return err
		}
	}
	if o.Store != nil {
		if err := c.openStore(&a); err != nil {
			return err
		}
	}
	for name, value := range o.WebSocketHeaders {
		if rc := C.mqttrs_websocket_header_add(m, a.text(name), a.string(value)); rc != C.MOSQ_ERR_SUCCESS {
			return codeError("option WebSocketHeaders", int(rc), 0, c.lastError())
		}
	}
	return c.setProxy(&a)
}

func (c *Client) username() string {
	if c.address.username != "" {
		return c.address.username
	}
	return c.options.Username
}

func (c *Client) password() string {
	if c.address.username != "" {
		return c.address.password
	}
	return c.options.Password
}

func (c *Client) setReconnect(a *arena) C.int {
	r := c.options.Reconnect
	set := (*C.struct_mqttrs_reconnect_options)(a.alloc(unsafe.Sizeof(C.struct_mqttrs_reconnect_options{})))
	set.size = C.size_t(unsafe.Sizeof(*set))
	set.delay_min = milliseconds(r.MinDelay)
	if r.MinDelay == 0 {
		set.delay_min = 1000
	}
	set.delay_max = milliseconds(r.MaxDelay)
	if r.MaxDelay == 0 {
		set.delay_max = set.delay_min
	}
	set.doubling = C.bool(r.Doubling)
	set.jitter = C.bool(r.Jitter)
	set.off = C.bool(r.Off)
	set.follow_references = C.bool(r.FollowReferences)
	set.stable = milliseconds(r.Stable)
	set.attempts = C.uint(r.Attempts)
	return C.mqttrs_reconnect_set(c.c.mosq, set)
}

func (c *Client) setQueue(a *arena) C.int {
	q := c.options.Queue
	set := (*C.struct_mqttrs_queue_options)(a.alloc(unsafe.Sizeof(C.struct_mqttrs_queue_options{})))
	set.size = C.size_t(unsafe.Sizeof(*set))
	set.max_messages = C.size_t(q.MaxMessages)
	set.max_bytes = C.size_t(q.MaxBytes)
	set.overflow = C.int(q.Overflow)
	set.wait_ms = milliseconds(q.Wait)
	set.queue_qos0 = C.bool(q.QoS0)
	return C.mqttrs_queue_set(c.c.mosq, set)
}

func (c *Client) setWill() C.int {
	if checkMessage(c.options.Will) != nil {
		return C.MOSQ_ERR_INVAL
	}
	data, _ := bytes(appendMessage(nil, c.options.Will, noSlot))
	return C.mqg_will(c.c, data).code
}

func (c *Client) openStore(a *arena) error {
	s := c.options.Store
	set := (*C.struct_mqttrs_store_options)(a.alloc(unsafe.Sizeof(C.struct_mqttrs_store_options{})))
	set.size = C.size_t(unsafe.Sizeof(*set))
	set.durability = C.int(s.Durability)
	set.sync_interval = milliseconds(s.SyncInterval)
	set.maximum_bytes = C.uint64_t(s.MaxBytes)
	rc, errno := C.mqttrs_store_open(c.c.mosq, a.text(s.Folder), set)
	return codeError("option Store", int(rc), int(errnoOf(errno)), c.lastError())
}

// milliseconds rounds up, so that a short time is not none.
func milliseconds(d time.Duration) C.uint {
	if d <= 0 {
		return 0
	}
	ms := (d + time.Millisecond - 1) / time.Millisecond
	if ms > 1<<32-1 {
		ms = 1<<32 - 1
	}
	return C.uint(ms)
}

// lastError returns what the library says of the last error of the client, in words.
func (c *Client) lastError() string {
	var text [512]C.char
	n := C.mqttrs_last_error(c.c.mosq, &text[0], C.size_t(len(text)))
	if n == 0 {
		return ""
	}
	return C.GoString(&text[0])
}
