package mqttrs

// #include "shim.h"
import "C"

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Stats are the numbers of a client since it was made; those by QoS are arrays.
type Stats struct {
	MessagesSent, MessageBytesSent         [3]uint64
	MessagesReceived, MessageBytesReceived [3]uint64
	PacketsSent, PacketsReceived           uint64
	BytesSent, BytesReceived               uint64
	ConnectAttempts, Connections           uint64
	Reconnects, Disconnects                uint64
	QueuedMessages, QueuedBytes, InFlight  uint64
	DroppedExpired, DroppedQoS             uint64
	DroppedSize, DroppedOverflow           uint64
	DroppedConnection, ReceivedDropped     uint64
	RoundTrips                             uint64
	RoundTripLast, RoundTripMinimum        time.Duration
	RoundTripSmoothed                      time.Duration
	LastDisconnect                         Code

	Refused     uint64 // messages that the library did not accept
	LogsDropped uint64 // log records that Options.Log was too slow for
	Waiting     int    // messages that wait for handlers
}

// Stats returns the numbers of this moment.
func (c *Client) Stats() (Stats, error) {
	var s Stats
	err := c.status("stats", func(inner *C.struct_mqg_client) C.struct_mqg_status {
		raw := C.struct_mqttrs_stats{size: C.size_t(unsafe.Sizeof(C.struct_mqttrs_stats{}))}
		code := C.mqttrs_stats(inner.mosq, &raw)
		s = readStats(&raw)
		s.Waiting = int(atomic.LoadInt32((*int32)(unsafe.Pointer(&inner.gate.queued))))
		s.ReceivedDropped += uint64(atomic.LoadUint32((*uint32)(unsafe.Pointer(&inner.gate.dropped))))
		return C.struct_mqg_status{code: code}
	})
	s.Refused = c.refused.Load()
	c.observers.mu.Lock()
	s.LogsDropped = c.observers.dropped
	c.observers.mu.Unlock()
	return s, err
}

func readStats(raw *C.struct_mqttrs_stats) (s Stats) {
	for qos := range s.MessagesSent {
		s.MessagesSent[qos] = uint64(raw.messages_sent[qos])
		s.MessageBytesSent[qos] = uint64(raw.message_bytes_sent[qos])
		s.MessagesReceived[qos] = uint64(raw.messages_received[qos])
		s.MessageBytesReceived[qos] = uint64(raw.message_bytes_received[qos])
	}
	s.PacketsSent, s.PacketsReceived = uint64(raw.packets_sent), uint64(raw.packets_received)
	s.BytesSent, s.BytesReceived = uint64(raw.bytes_sent), uint64(raw.bytes_received)
	s.ConnectAttempts, s.Connections = uint64(raw.connect_attempts), uint64(raw.connections)
	s.Reconnects, s.Disconnects = uint64(raw.reconnects), uint64(raw.disconnects)
	s.QueuedMessages, s.QueuedBytes = uint64(raw.queued_messages), uint64(raw.queued_bytes)
	s.InFlight = uint64(raw.in_flight)
	s.DroppedExpired, s.DroppedQoS = uint64(raw.dropped_expired), uint64(raw.dropped_qos)
	s.DroppedSize, s.DroppedOverflow = uint64(raw.dropped_size), uint64(raw.dropped_overflow)
	s.DroppedConnection, s.ReceivedDropped = uint64(raw.dropped_connection), uint64(raw.received_dropped)
	s.RoundTrips = uint64(raw.round_trips)
	s.RoundTripLast = time.Duration(raw.round_trip_last) * time.Microsecond
	s.RoundTripMinimum = time.Duration(raw.round_trip_minimum) * time.Microsecond
	s.RoundTripSmoothed = time.Duration(raw.round_trip_smoothed) * time.Microsecond
	s.LastDisconnect = Code(raw.last_disconnect)
	return s
}
