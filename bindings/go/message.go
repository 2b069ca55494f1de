package mqttrs

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
)

// QoS is how surely a message arrives.
type QoS byte

// The three of them.
const (
	AtMostOnce  QoS = iota // QoS 0
	AtLeastOnce            // QoS 1
	ExactlyOnce            // QoS 2
)

// Message is one to publish, or one that has arrived. What has arrived is the program's to keep;
// small messages share pieces of memory of some 16 KiB, so whoever keeps a few of very many for long
// copies them.
type Message struct {
	Topic      string
	Payload    []byte
	QoS        QoS
	Retain     bool
	Properties *Properties // MQTT 5; nil for none

	// Of those that have arrived:
	mid   uint16
	held  bool // to be acknowledged when it has been handled
	route *route
	left  *int32 // handlers that have not had it, where there are several
}

// MessageID returns the packet identifier with which the message came; 0 for QoS 0 and for
// messages that did not come from a server.
func (m *Message) MessageID() int { return int(m.mid) }

// Ack acknowledges a message of QoS 1 or 2 that came in the mode [AckManual]. It may be called in any
// order and from any goroutine; without a connection the acknowledgement is remembered while the
// session is kept. ErrNotFound says that none is awaited, any more or at all.
func (m *Message) Ack() error { return m.Refuse(Success) }

// Refuse is Ack with a reason code, of 128 or more, with which the message is refused. Below MQTT 5
// the reason has to be Success.
func (m *Message) Refuse(reason ReasonCode) error {
	if m.route == nil || m.QoS == AtMostOnce {
		return &OpError{Op: "acknowledge", Err: ErrNotFound}
	}
	return m.route.client.acknowledge(m.mid, reason)
}

// lastHandler says whether no other handler is to have the message.
func (m *Message) lastHandler() bool {
	return m.left == nil || atomic.AddInt32(m.left, -1) == 0
}

// Messages to the shim; shim.h has the layout.
const (
	outHead       = 16
	outRetain     = 1
	outTold       = 2
	outProperties = 4

	maxTopic   = 1<<16 - 1
	maxPayload = 1<<28 - 1
)

// checkMessage finds what the shim's layout has no room for; the rest is the library's to judge.
func checkMessage(m *Message) error {
	switch {
	case len(m.Topic) > maxTopic || m.QoS > ExactlyOnce:
		return ErrInvalid
	case strings.IndexByte(m.Topic, 0) >= 0:
		return ErrMalformedUTF8
	case len(m.Payload) > maxPayload:
		return ErrPayloadSize
	}
	return nil
}

// appendMessage writes a message that checkMessage has passed. `slot` is where its outcome is told, or
// noSlot.
func appendMessage(data []byte, m *Message, slot uint32) []byte {
	start, body := len(data), outHead+len(m.Topic)+1+len(m.Payload)
	data = grow(data, (body+3)&^3)
	at := data[start:]
	var flags byte
	if m.Retain {
		flags |= outRetain
	}
	if slot != noSlot {
		flags |= outTold
	}
	at[4], at[5] = byte(m.QoS), flags
	binary.LittleEndian.PutUint16(at[6:], uint16(len(m.Topic)))
	binary.LittleEndian.PutUint32(at[8:], uint32(len(m.Payload)))
	binary.LittleEndian.PutUint32(at[12:], slot)
	copy(at[outHead:], m.Topic)
	at[outHead+len(m.Topic)] = 0
	copy(at[outHead+len(m.Topic)+1:], m.Payload)
	if m.Properties != nil {
		at[5] |= outProperties
		data = binary.LittleEndian.AppendUint32(data[:start+body], 0)
		before := len(data)
		data = appendProperties(data, m.Properties)
		binary.LittleEndian.PutUint32(data[before-4:], uint32(len(data)-before))
		data = grow(data, -len(data)&3)
	}
	binary.LittleEndian.PutUint32(data[start:], uint32(len(data)-start))
	return data
}

// grow makes a slice longer; what it adds may hold anything.
func grow(data []byte, by int) []byte {
	need := len(data) + by
	if need > cap(data) {
		bigger := make([]byte, len(data), 2*need+1024)
		copy(bigger, data)
		data = bigger
	}
	return data[:need]
}
