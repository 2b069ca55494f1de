package mqttrs

import (
	"time"
)

// Protocol is a version of MQTT.
type Protocol int

// The versions. The zero value is MQTT 5.
const (
	MQTT5   Protocol = 5
	MQTT311 Protocol = 4
	MQTT31  Protocol = 3
)

// Options of a client. The zero value is good for most: MQTT 5, a session of its own that ends with
// the connection, reconnects for ever, subscriptions made again.
type Options struct {
	// ClientID identifies the client; empty: the server or the library makes one up.
	ClientID string
	// Username and Password; those in the URL come first.
	Username, Password string
	// KeepSession continues the session of ClientID and keeps it; in MQTT 5 for as long as
	// Properties.SessionExpiry says, by default until the server forgets it.
	KeepSession bool
	// KeepAlive is how long silence may last, in whole seconds; 0 for 60 seconds.
	KeepAlive time.Duration
	// Protocol is MQTT 5 by default.
	Protocol Protocol
	// Properties of CONNECT, MQTT 5.
	Properties *Properties
	// Will is what the server publishes when the client goes without DISCONNECT. Its delay is
	// Properties.WillDelay.
	Will *Message

	// Servers are further ones, in the form of Dial's URL, of which host and port count. They are tried
	// in turn when the first cannot be reached.
	Servers []string
	// ConnectTimeout is for each attempt up to the handshakes; 0 for 30 seconds.
	ConnectTimeout time.Duration
	// ConnectRetry makes Connect go on after attempts that fail, until its context ends; otherwise it
	// returns the error of the first.
	ConnectRetry bool
	// Reconnect says when to connect again; nil: a second after each other, for ever.
	Reconnect *Reconnect
	// NoResubscribe leaves it to the program to subscribe again when the server has lost the session.
	NoResubscribe bool

	// TLS is used with mqtts and wss URLs; nil: those whom the system trusts are trusted.
	TLS *TLS
	// Proxy is "socks5://user:password@host:port" or "http://...".
	Proxy string
	// BindAddress is the local address of connections.
	BindAddress string
	// WebSocketHeaders are added to the request of a WebSocket.
	WebSocketHeaders map[string]string

	// Queue limits what waits to be sent; nil: see mqttrs_queue_set.
	Queue *Queue
	// Store keeps the session on the disk; ErrNotSupported where the library was built without it.
	Store *Store
	// InFlight is how many messages of QoS 1 and 2 may be on their way; 0 for 20.
	InFlight int
	// ReceiveMaximum is how many of these the server may send ahead of acknowledgements; MQTT 5; 0
	// for 20.
	ReceiveMaximum int
	// TopicAliases makes the library replace topics by numbers, MQTT 5.
	TopicAliases bool

	// AckMode says who acknowledges messages of QoS 1 and 2.
	AckMode AckMode
	// ReceiveQueue is how many messages may wait for handlers; 0 for 4096.
	ReceiveQueue int
	// Handlers are there from the beginning, by topic filter, as Handle would set them: for sessions
	// whose messages come as soon as there is a connection.
	Handlers map[string]Handler
	// OnMessage gets the messages that no handler's filter matches; without it, and without a channel of
	// Messages, nobody does.
	OnMessage Handler

	// OnConnect runs for each connection that the server has accepted.
	OnConnect func(ConnAck)
	// OnLifecycle runs when the life of the connection goes on.
	OnLifecycle func(Event)
	// OnError gets what has no caller: a *PanicError of a handler. Nil: the standard log.
	OnError func(error)
	// Log gets what happens, in detail; see docs/logging.md for its events. It is dear.
	Log func(LogRecord)

	// Loop drives the client; nil: the one that all clients share.
	Loop *Loop
}

// TLS says whom to trust and who we are. Files and memory may be mixed; what is in memory is PEM, or
// DER for one certificate.
type TLS struct {
	CAFile, CAPath string // trusted certificates
	CA             []byte
	SystemCAs      bool // trust whom the system trusts, too; alone when nobody else is named
	CertFile       string
	KeyFile        string
	Cert, Key      []byte // the certificate with its chain, and its key
	KeyPassword    string
	CRLFile        string // revocation lists
	CRL            []byte
	Pins           string   // "sha256//..." of allowed public keys, separated by ";"
	ALPN           []string // application protocols to offer
	MinVersion     string   // "tlsv1.2" or "tlsv1.3"; "" for the library's choice
	Ciphers        string   // as mosquitto_tls_opts_set has it
	// InsecureHost accepts certificates for other hosts, InsecureAll any certificate: for tests only.
	InsecureHost, InsecureAll bool
}

// Reconnect says when to connect again.
type Reconnect struct {
	MinDelay, MaxDelay time.Duration // 0 for a second; for MinDelay
	Doubling           bool          // each delay is twice the one before; otherwise longer by MinDelay
	Jitter             bool          // each is by chance between 0 and what it would be
	Off                bool          // never
	FollowReferences   bool          // to servers that an MQTT 5 server names
	Stable             time.Duration // after so long a connection, delays and attempts are counted anew
	Attempts           int           // how many may fail in a row; 0 for no limit
}

// Overflow is what happens to a message for which there is no room.
type Overflow int

// The ways; see enum mqttrs_overflow_t.
const (
	OverflowRefuse     Overflow = iota // it is not accepted: ErrQuotaExceeded
	OverflowWait                       // it waits for room, at most Queue.Wait
	OverflowDropOldest                 // the oldest that was never sent is dropped: ErrOverflow
	OverflowDropQoS0                   // the oldest of QoS 0, or else the oldest
)

// Queue limits what waits to be sent or acknowledged. With OverflowWait others wait behind the
// message that does, and so does Close.
type Queue struct {
	MaxMessages int // 0 for no limit
	MaxBytes    int // 0 for no limit
	Overflow    Overflow
	Wait        time.Duration
	QoS0        bool // QoS 0 waits for a connection too, instead of ErrNoConnection
}

// Durability is what a stored message survives.
type Durability int

// The ways; see enum mqttrs_store_durability.
const (
	SurviveCrash Durability = iota // the end of the process
	SyncGroups                     // a power failure takes no more than Store.SyncInterval
	SyncEvery                      // a power failure takes nothing
)

// Store keeps what is on its way in a folder, for the next process. It needs KeepSession and ClientID.
type Store struct {
	Folder       string
	Durability   Durability
	SyncInterval time.Duration // 0 for 100 ms
	MaxBytes     uint64        // 0 for 1 GiB
}

// AckMode says who acknowledges received messages of QoS 1 and 2, and when.
type AckMode int

const (
	// AckAutomatic: the library, as soon as they have come; or, while handlers are behind, when they
	// have been handled. The quickest.
	AckAutomatic AckMode = iota
	// AckAfterHandler: when their handlers have returned, or the channel's reader has them, so that
	// what the process does not survive comes again. A handler that panics refuses its message in
	// MQTT 5; the server does not send it again.
	AckAfterHandler
	// AckManual: the program, by Message.Ack.
	AckManual
)
