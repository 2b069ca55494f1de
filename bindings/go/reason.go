package mqttrs

// #include "shim.h"
import "C"

// ReasonCode is the answer of a server (MQTT 5.0 section 2.4): 128 or more that it refuses. In the
// answer to a subscription 0, 1 and 2 are the granted QoS.
type ReasonCode byte

// Reason codes that programs ask for; the others have no name here.
const (
	Success                 ReasonCode = C.MQTT_RC_SUCCESS
	DisconnectWithWill      ReasonCode = C.MQTT_RC_DISCONNECT_WITH_WILL_MSG
	NoMatchingSubscribers   ReasonCode = C.MQTT_RC_NO_MATCHING_SUBSCRIBERS
	NoSubscriptionExisted   ReasonCode = C.MQTT_RC_NO_SUBSCRIPTION_EXISTED
	UnspecifiedError        ReasonCode = C.MQTT_RC_UNSPECIFIED
	ImplementationSpecific  ReasonCode = C.MQTT_RC_IMPLEMENTATION_SPECIFIC
	UnsupportedProtocol     ReasonCode = C.MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION
	ClientIDNotValid        ReasonCode = C.MQTT_RC_CLIENTID_NOT_VALID
	BadUsernameOrPassword   ReasonCode = C.MQTT_RC_BAD_USERNAME_OR_PASSWORD
	NotAuthorized           ReasonCode = C.MQTT_RC_NOT_AUTHORIZED
	ServerUnavailable       ReasonCode = C.MQTT_RC_SERVER_UNAVAILABLE
	ServerBusy              ReasonCode = C.MQTT_RC_SERVER_BUSY
	Banned                  ReasonCode = C.MQTT_RC_BANNED
	SessionTakenOver        ReasonCode = C.MQTT_RC_SESSION_TAKEN_OVER
	TopicFilterInvalid      ReasonCode = C.MQTT_RC_TOPIC_FILTER_INVALID
	TopicNameInvalid        ReasonCode = C.MQTT_RC_TOPIC_NAME_INVALID
	PacketTooLarge          ReasonCode = C.MQTT_RC_PACKET_TOO_LARGE
	QuotaExceeded           ReasonCode = C.MQTT_RC_QUOTA_EXCEEDED
	PayloadFormatInvalid    ReasonCode = C.MQTT_RC_PAYLOAD_FORMAT_INVALID
	RetainNotSupported      ReasonCode = C.MQTT_RC_RETAIN_NOT_SUPPORTED
	SharedSubsNotSupported  ReasonCode = C.MQTT_RC_SHARED_SUBS_NOT_SUPPORTED
	WildcardsNotSupported   ReasonCode = C.MQTT_RC_WILDCARD_SUBS_NOT_SUPPORTED
	SubscriptionIDsNotKnown ReasonCode = C.MQTT_RC_SUBSCRIPTION_IDS_NOT_SUPPORTED
)

// Refused says whether the code is 128 or more.
func (r ReasonCode) Refused() bool { return r >= 128 }

// String returns what the code means, in English.
func (r ReasonCode) String() string { return C.GoString(C.mosquitto_reason_string(C.int(r))) }

// connectReason gives a CONNACK return code of MQTT 3 (MQTT 3.1.1 section 3.2.2.3) as the reason code
// that MQTT 5 has for the same.
func connectReason(code uint32) ReasonCode {
	switch code {
	case C.CONNACK_REFUSED_PROTOCOL_VERSION:
		return UnsupportedProtocol
	case C.CONNACK_REFUSED_IDENTIFIER_REJECTED:
		return ClientIDNotValid
	case C.CONNACK_REFUSED_SERVER_UNAVAILABLE:
		return ServerUnavailable
	case C.CONNACK_REFUSED_BAD_USERNAME_PASSWORD:
		return BadUsernameOrPassword
	case C.CONNACK_REFUSED_NOT_AUTHORIZED:
		return NotAuthorized
	}
	return ReasonCode(code)
}
