package mqttrs

// #include "shim.h"
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// decoder turns the events of the shim into messages for handlers and outcomes for those who wait.
// It runs on the loop and waits for nobody.
type decoder struct {
	loop *Loop

	// The client that the last event was for, and what it is to get when another one's turn comes.
	client   *Client
	messages []*Message
	outcomes []outcome

	// Pieces of memory that messages are cut from, so that not each is an allocation of its own.
	bytes []byte
	heads []Message
}

// outcome is what became of a message, a request of the client or a request to others.
type outcome struct {
	slot   uint32
	index  uint32
	token  *Token
	result Result
	err    error
}

const (
	bytesPiece = 16 << 10 // bytes
	bytesOwn   = 4 << 10  // what is larger has memory of its own
	headsPiece = 32       // messages
)

func (d *decoder) decode(data []byte) {
	for len(data) >= C.MQG_HEAD {
		size := binary.LittleEndian.Uint32(data)
		event := data[:size:size]
		data = data[size:]
		number := binary.LittleEndian.Uint32(event[12:])
		if d.client == nil || d.client.number != number {
			d.flush()
			if d.client = d.loop.client(number); d.client == nil {
				continue // It was closed.
			}
		}
		switch event[4] {
		case C.MQG_DONE:
			d.done(event)
		case C.MQG_MESSAGE:
			d.message(event)
		case C.MQG_RESPONSE:
			d.response(event)
		case C.MQG_CONNACK:
			d.client.onConnAck(readConnAck(event[C.MQG_HEAD:]))
		case C.MQG_LIFECYCLE:
			d.client.onLifecycle(readLifecycle(event[C.MQG_HEAD:]))
		case C.MQG_LOG:
			d.client.onLog(readLogRecord(event[C.MQG_HEAD:]))
		}
	}
	d.flush()
	d.client = nil
}

// flush hands over what there is for the client.
func (d *decoder) flush() {
	if len(d.outcomes) > 0 {
		d.client.out.releaseAll(d.outcomes)
		for i := range d.outcomes {
			o := &d.outcomes[i]
			if o.token != nil {
				o.token.complete(o.index, o.result, o.err)
			}
			*o = outcome{}
		}
		d.outcomes = d.outcomes[:0]
	}
	if len(d.messages) > 0 {
		d.client.deliver(d.messages)
		for i := range d.messages {
			d.messages[i] = nil
		}
		d.messages = d.messages[:0]
	}
}

func (d *decoder) done(event []byte) {
	result := Result{
		Outcome:   Outcome(event[5]),
		MessageID: int(binary.LittleEndian.Uint16(event[6:])),
	}
	if body := event[C.MQG_HEAD:]; len(body) > 0 {
		result.Reason = ReasonCode(binary.LittleEndian.Uint32(body))
		count := int(binary.LittleEndian.Uint32(body[4:]))
		properties := int(binary.LittleEndian.Uint32(body[8:]))
		body = body[16:]
		if count > 0 {
			result.answer = &answer{codes: make([]ReasonCode, count)}
			for i := range result.answer.codes {
				result.answer.codes[i] = ReasonCode(binary.LittleEndian.Uint32(body[4*i:]))
			}
		}
		result.Properties = readProperties(body[4*count : 4*count+properties])
	}
	d.outcomes = append(d.outcomes, outcome{slot: binary.LittleEndian.Uint32(event[8:]), result: result})
}

func (d *decoder) response(event []byte) {
	code := Code(int32(binary.LittleEndian.Uint32(event[C.MQG_HEAD+12:])))
	o := outcome{slot: binary.LittleEndian.Uint32(event[8:]), result: Result{Outcome: OutcomeAcknowledged}}
	if code == C.MOSQ_ERR_SUCCESS {
		response := d.read(event)
		response.route = d.client.routes.rest
		o.result.answer = &answer{response: response}
	} else {
		o.err = &OpError{Op: "request", Err: code}
	}
	d.outcomes = append(d.outcomes, o)
}

func (d *decoder) message(event []byte) {
	m := d.read(event)
	m.held = event[5]&C.MQG_UNACKED != 0 || m.QoS > AtMostOnce && d.client.options.AckMode == AckAfterHandler
	m.route = d.client.routes.byNumber(binary.LittleEndian.Uint32(event[8:]))
	// One that several filters match comes once for each, one behind the other.
	if n := len(d.messages); n > 0 && m.mid != 0 {
		if before := d.messages[n-1]; before.mid == m.mid && before.route != m.route {
			if before.left == nil {
				before.left = Ptr[int32](1)
			}
			m.left = before.left
			*m.left++
		}
	}
	d.messages = append(d.messages, m)
}

// read makes a message of an event.
func (d *decoder) read(event []byte) *Message {
	body := event[C.MQG_HEAD:]
	topic := int(binary.LittleEndian.Uint32(body))
	payload := int(binary.LittleEndian.Uint32(body[4:]))
	properties := int(binary.LittleEndian.Uint32(body[8:]))
	body = body[16:]

	if len(d.heads) == 0 {
		d.heads = make([]Message, headsPiece)
	}
	m := &d.heads[0]
	d.heads = d.heads[1:]
	kept := d.keep(body[:topic+payload])
	m.Topic = text(kept[:topic])
	m.Payload = kept[topic:]
	m.QoS = QoS(event[5] & C.MQG_QOS)
	m.Retain = event[5]&C.MQG_RETAIN != 0
	m.Properties = readProperties(body[topic+payload : topic+payload+properties])
	m.mid = binary.LittleEndian.Uint16(event[6:])
	return m
}

// keep copies bytes to where they stay.
func (d *decoder) keep(data []byte) []byte {
	n := len(data)
	if n > bytesOwn {
		return append(make([]byte, 0, n), data...)
	}
	if n > len(d.bytes) {
		d.bytes = make([]byte, bytesPiece)
	}
	kept := d.bytes[:n:n]
	d.bytes = d.bytes[n:]
	copy(kept, data)
	return kept
}

// text makes a string of bytes that nothing writes to any more, without a copy.
func text(data []byte) string { return *(*string)(unsafe.Pointer(&data)) }
