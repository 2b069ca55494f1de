package mqttrs

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"syscall"
)

// Code is an error of the library, as mosquitto.h numbers them. The constants below are meant for
// [errors.Is].
type Code int

// The errors of the library.
const (
	ErrQuotaExceeded     Code = C.MOSQ_ERR_QUOTA_EXCEEDED     // the queue is full, or a limit of speed refuses
	ErrOutOfMemory       Code = C.MOSQ_ERR_NOMEM              // memory, or message identifiers, ran out
	ErrProtocol          Code = C.MOSQ_ERR_PROTOCOL           // a rule of MQTT was broken
	ErrInvalid           Code = C.MOSQ_ERR_INVAL              // an argument is not allowed
	ErrNoConnection      Code = C.MOSQ_ERR_NO_CONN            // there is no connection
	ErrConnectionRefused Code = C.MOSQ_ERR_CONN_REFUSED       // the server refused the connection
	ErrNotFound          Code = C.MOSQ_ERR_NOT_FOUND          // there is no such thing
	ErrConnLost          Code = C.MOSQ_ERR_CONN_LOST          // the connection ended without a DISCONNECT
	ErrTLS               Code = C.MOSQ_ERR_TLS                // TLS failed
	ErrPayloadSize       Code = C.MOSQ_ERR_PAYLOAD_SIZE       // the payload is longer than MQTT can carry
	ErrNotSupported      Code = C.MOSQ_ERR_NOT_SUPPORTED      // the library or the protocol version lacks it
	ErrAuth              Code = C.MOSQ_ERR_AUTH               // authentication failed
	ErrAccessDenied      Code = C.MOSQ_ERR_ACL_DENIED         // the server does not allow it
	ErrUnknown           Code = C.MOSQ_ERR_UNKNOWN            // something else went wrong
	ErrSystem            Code = C.MOSQ_ERR_ERRNO              // the operating system; errors.As finds a syscall.Errno where it is known
	ErrLookup            Code = C.MOSQ_ERR_EAI                // the host name could not be resolved
	ErrProxy             Code = C.MOSQ_ERR_PROXY              // the proxy refused
	ErrMalformedUTF8     Code = C.MOSQ_ERR_MALFORMED_UTF8     // a string is not UTF-8 as MQTT wants it
	ErrKeepAlive         Code = C.MOSQ_ERR_KEEPALIVE          // nothing came within the keep alive interval
	ErrMalformedPacket   Code = C.MOSQ_ERR_MALFORMED_PACKET   // the server sent what is no MQTT packet
	ErrDuplicateProperty Code = C.MOSQ_ERR_DUPLICATE_PROPERTY // a property that may occur once occurs twice
	ErrQoSNotSupported   Code = C.MOSQ_ERR_QOS_NOT_SUPPORTED  // the QoS is above what the server takes
	ErrOversizePacket    Code = C.MOSQ_ERR_OVERSIZE_PACKET    // the packet is larger than the server takes
	ErrTimeout           Code = C.MOSQ_ERR_TIMEOUT            // the time was over
	ErrAnotherServer     Code = C.MOSQ_ERR_USE_ANOTHER_SERVER // the server sends its clients away, for now
	ErrServerMoved       Code = C.MOSQ_ERR_SERVER_MOVED       // the server sends its clients away, for good
)

// Error returns what the code means, in English.
func (e Code) Error() string {
	if e == ErrSystem {
		return "mqttrs: the operating system reported an error"
	}
	return "mqttrs: " + C.GoString(C.mosquitto_strerror(C.int(e)))
}

// ErrClosed is what a client answers that has been closed, and what ends what it was doing.
var ErrClosed = errors.New("mqttrs: the client is closed")

// What becomes of messages that do not reach the server; see [Outcome].
var (
	ErrExpired        = errors.New("mqttrs: the message waited longer than its message expiry interval")
	ErrOverflow       = errors.New("mqttrs: the message made room for a newer one")
	ErrCleared        = errors.New("mqttrs: the message was dropped by the program")
	ErrTooLarge       = errors.New("mqttrs: the message is larger than the server takes")
	ErrMessageQoS     = errors.New("mqttrs: the QoS of the message is higher than the server takes")
	ErrConnectionLost = errors.New("mqttrs: the connection ended before that was through")
	ErrSessionLost    = errors.New("mqttrs: the server had the message and lost the session before the end")
)

// OpError is an error with what was being done and, where the library knows it, the cause in words:
// the file, the certificate, the address or the answer that was to blame.
type OpError struct {
	Op     string // "connect", "publish" and so on
	Detail string // for people; may be empty
	Err    error  // what errors.Is and errors.As look at
}

func (e *OpError) Error() string {
	text := fmt.Sprintf("mqttrs: %s: %s", e.Op, trimmed(e.Err))
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// Unwrap returns e.Err.
func (e *OpError) Unwrap() error { return e.Err }

// ReasonError says that the server refused, and why (MQTT 5.0 section 2.4; below MQTT 5 only
// CONNACK and SUBACK refuse, and connection refusals are given the reason codes of MQTT 5).
type ReasonError struct {
	Op         string
	Reason     ReasonCode
	Properties *Properties // of the server's answer; nil for none
}

func (e *ReasonError) Error() string {
	text := fmt.Sprintf("mqttrs: %s: the server refused: %s", e.Op, e.Reason)
	if e.Properties != nil && e.Properties.ReasonString != "" {
		text += " (" + e.Properties.ReasonString + ")"
	}
	return text
}

// Is makes the end of a connection by the server ErrAnotherServer and so on, a refused connection ErrConnectionRefused, and whatever lacks the right ErrAccessDenied.
func (e *ReasonError) Is(target error) bool {
	switch target {
	case Code(e.Reason): // The library has codes for those of a connection's end.
		return e.Reason.Refused()
	case ErrConnectionRefused:
		return e.Op == "connect"
	case ErrAccessDenied:
		return e.Reason == NotAuthorized
	case ErrQuotaExceeded:
		return e.Reason == QuotaExceeded
	}
	return false
}

// PanicError says that a function of the program panicked; Options.OnError gets it.
type PanicError struct {
	Where string // "message handler" and so on
	Value any    // what panic was called with
	Stack []byte // as runtime/debug.Stack has it
}

func (e *PanicError) Error() string { return fmt.Sprintf("mqttrs: panic in %s: %v", e.Where, e.Value) }

// Unwrap returns the value of the panic where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// systemError is ErrSystem with its cause.
type systemError struct{ errno syscall.Errno }

func (e systemError) Error() string        { return e.errno.Error() }
func (e systemError) Is(target error) bool { return target == ErrSystem }
func (e systemError) Unwrap() error        { return e.errno }

// codeError makes an error of what a function of the library returned; nil for success.
func codeError(op string, code, errno int, detail string) error {
	if code == C.MOSQ_ERR_SUCCESS {
		return nil
	}
	var err error = Code(code)
	if Code(code) == ErrSystem && errno != 0 {
		err = systemError{syscall.Errno(errno)}
	}
	return &OpError{Op: op, Detail: detail, Err: err}
}

func statusError(op string, status C.struct_mqg_status) error {
	return codeError(op, int(status.code), int(status.error), "")
}

func trimmed(err error) string {
	const prefix = "mqttrs: "
	text := err.Error()
	if len(text) > len(prefix) && text[:len(prefix)] == prefix {
		return text[len(prefix):]
	}
	return text
}
