package mqttrs

// #include "shim.h"
import "C"

import "unsafe"

// Throttle is a limit of speed: a bucket that begins full, out of which each message takes its share.
type Throttle struct {
	MessagesPerSecond float64 // 0 for no such limit
	BytesPerSecond    float64 // of PUBLISH packets; 0 for no such limit
	BurstMessages     uint    // how many may go at once after a pause; 0 for 1
	BurstBytes        uint    // 0 for those of one second
	Excess            Excess
}

// Excess is what happens to a message beyond a limit of speed.
type Excess int

// The ways; see enum mqttrs_excess_t.
const (
	ExcessWait       Excess = C.MQTTRS_EXCESS_WAIT
	ExcessRefuse     Excess = C.MQTTRS_EXCESS_REFUSE      // ErrQuotaExceeded
	ExcessDrop       Excess = C.MQTTRS_EXCESS_DROP        // ErrOverflow; received ones of QoS 0 are dropped
	ExcessDropOldest Excess = C.MQTTRS_EXCESS_DROP_OLDEST // only the newest waits
)

func (t *Throttle) raw(a *arena) *C.struct_mqttrs_throttle {
	if t == nil {
		return nil
	}
	raw := (*C.struct_mqttrs_throttle)(a.alloc(unsafe.Sizeof(C.struct_mqttrs_throttle{})))
	raw.size = C.size_t(unsafe.Sizeof(*raw))
	raw.messages_per_second = C.double(t.MessagesPerSecond)
	raw.bytes_per_second = C.double(t.BytesPerSecond)
	raw.burst_messages = C.uint(t.BurstMessages)
	raw.burst_bytes = C.size_t(t.BurstBytes)
	raw.excess = C.int(t.Excess)
	return raw
}

// SetThrottle limits how fast messages are sent to the topics that a filter matches, or with an empty
// one all of the client's. Nil takes the limit away.
func (c *Client) SetThrottle(filter string, t *Throttle) error {
	var a arena
	defer a.free()
	return c.status("throttle", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.struct_mqg_status{code: C.mqttrs_throttle_set(inner.mosq, a.text(filter), t.raw(&a))}
	})
}

// SetReceiveThrottle limits how fast messages are taken from the network. Nil takes the limit away.
func (c *Client) SetReceiveThrottle(t *Throttle) error {
	var a arena
	defer a.free()
	return c.status("receive throttle", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		return C.struct_mqg_status{code: C.mqg_receive_throttle(inner, t.raw(&a))}
	})
}
