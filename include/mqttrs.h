/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * Made from the sources in src/ffi by `make headers`: not to be edited. */

#ifndef MQTTRS_H
#define MQTTRS_H

#include "mosquitto.h"

/* The version of this library; that in mosquitto.h is the version of libmosquitto whose
 * interface it has. */
#define MQTTRS_VERSION_MAJOR 0
#define MQTTRS_VERSION_MINOR 1
#define MQTTRS_VERSION_REVISION 0
/* As LIBMOSQUITTO_VERSION_NUMBER: 1002003 for 1.2.3. */
#define MQTTRS_VERSION_NUMBER \
    (MQTTRS_VERSION_MAJOR * 1000000 + MQTTRS_VERSION_MINOR * 1000 + MQTTRS_VERSION_REVISION)

/**
 * `mqttrs_lifecycle_event`: there is no connection, and none comes by itself.
 */
#define MQTTRS_LIFECYCLE_IDLE 0

/**
 * `mqttrs_lifecycle_event`: an attempt is going on, from the look-up of the name to CONNACK.
 */
#define MQTTRS_LIFECYCLE_CONNECTING 1

/**
 * `mqttrs_lifecycle_event`: the server has accepted the connection.
 */
#define MQTTRS_LIFECYCLE_UP 2

/**
 * `mqttrs_lifecycle_event`: the next attempt comes after a delay, which may be 0.
 */
#define MQTTRS_LIFECYCLE_WAITING 3

/**
 * `mqttrs_lifecycle_event`: no attempt follows until the program asks for one.
 */
#define MQTTRS_LIFECYCLE_GIVEN_UP 4

/**
 * `mqttrs_servers_set`: by priority, the lowest number first, and from the first again after
 * each connection.
 */
#define MQTTRS_SERVERS_PRIORITY 0

/**
 * `mqttrs_servers_set`: in turn, as they stand in the list.
 */
#define MQTTRS_SERVERS_ROUND_ROBIN 1

/**
 * `proxy` of `struct mqttrs_connection`: none.
 */
#define MQTTRS_PROXY_NONE 0

/**
 * `proxy` of `struct mqttrs_connection`: as for `mosquitto_socks5_set`.
 */
#define MQTTRS_PROXY_SOCKS5 1

/**
 * `proxy` of `struct mqttrs_connection`: as for `mqttrs_http_proxy_set`.
 */
#define MQTTRS_PROXY_HTTP 2

/**
 * `tls` of `struct mqttrs_connection`: TLS, trusting whom the system trusts.
 */
#define MQTTRS_TLS_OS_CERTS 1

/**
 * `tls` of `struct mqttrs_connection`: the certificate may be for another host; for tests only.
 */
#define MQTTRS_TLS_INSECURE 2

/**
 * Who acknowledges received messages of QoS 1 and 2, and when; see `mqttrs_ack_mode_set`.
 */
enum mqttrs_ack_mode_t {
    /**
     * The library, as soon as a message has come: the default, and what libmosquitto does.
     */
    MQTTRS_ACK_AUTOMATIC = 0,
    /**
     * The library, when the message callbacks have returned: a message that the process did not
     * survive comes again.
     */
    MQTTRS_ACK_AFTER_CALLBACK = 1,
    /**
     * The program, by `mqttrs_ack`.
     */
    MQTTRS_ACK_MANUAL = 2,
};

/**
 * What happens to a message beyond a limit of speed; see `mqttrs_throttle_set`.
 */
enum mqttrs_excess_t {
    /**
     * It waits, within the limits of `mqttrs_queue_set`.
     */
    MQTTRS_EXCESS_WAIT = 0,
    /**
     * It is not accepted: publishing returns MOSQ_ERR_QUOTA_EXCEEDED.
     */
    MQTTRS_EXCESS_REFUSE = 1,
    /**
     * It is accepted and dropped: its outcome is MQTTRS_OUTCOME_OVERFLOW.
     */
    MQTTRS_EXCESS_DROP = 2,
    /**
     * What waits because of the limit is dropped, with the same outcome, and it waits itself: no
     * more than one message does, the newest.
     */
    MQTTRS_EXCESS_DROP_OLDEST = 3,
};

/**
 * What became of a message that was accepted; see `mqttrs_outcome_callback_set`.
 */
enum mqttrs_outcome_t {
    /**
     * QoS 0: it was handed to the network.
     */
    MQTTRS_OUTCOME_SENT = 0,
    /**
     * The server has answered; `reason_code` says what, 128 or more that it refused.
     */
    MQTTRS_OUTCOME_ACKNOWLEDGED = 1,
    /**
     * It waited longer than its message expiry interval.
     */
    MQTTRS_OUTCOME_EXPIRED = 2,
    /**
     * It made room for a newer one.
     */
    MQTTRS_OUTCOME_OVERFLOW = 3,
    /**
     * The program dropped it, or the client with it.
     */
    MQTTRS_OUTCOME_CLEARED = 4,
    /**
     * It is larger than the server takes to which the client is connected now.
     */
    MQTTRS_OUTCOME_TOO_LARGE = 5,
    /**
     * Its QoS is higher than that server takes.
     */
    MQTTRS_OUTCOME_QOS_NOT_SUPPORTED = 6,
    /**
     * QoS 0: the connection ended before it was handed to the network as a whole.
     */
    MQTTRS_OUTCOME_CONNECTION_LOST = 7,
    /**
     * Unknown: the server had taken it over (QoS 2) and lost the session before the end.
     */
    MQTTRS_OUTCOME_SESSION_LOST = 8,
};

/**
 * What happens to a message for which there is no room; see `mqttrs_queue_set`.
 */
enum mqttrs_overflow_t {
    /**
     * It is not accepted: publishing returns MOSQ_ERR_QUOTA_EXCEEDED.
     */
    MQTTRS_OVERFLOW_REFUSE = 0,
    /**
     * The thread that publishes waits for room, at most `wait_ms`; then it is not accepted.
     */
    MQTTRS_OVERFLOW_WAIT = 1,
    /**
     * The oldest message that was never sent is dropped.
     */
    MQTTRS_OVERFLOW_DROP_OLDEST = 2,
    /**
     * The oldest message of QoS 0 that was never sent is dropped, and where there is none, the
     * oldest that was never sent.
     */
    MQTTRS_OVERFLOW_DROP_QOS0 = 3,
};

/**
 * What a stored message survives.
 */
enum mqttrs_store_durability {
    /**
     * The end of the process, SIGKILL included. A power failure may take the last seconds.
     */
    MQTTRS_STORE_PROCESS_CRASH = 0,
    /**
     * A power failure takes no more than the last `sync_interval` milliseconds.
     */
    MQTTRS_STORE_SYNC_GROUPS = 1,
    /**
     * A power failure takes nothing: every publish waits for the medium, and calls of several
     * threads share one wait.
     */
    MQTTRS_STORE_SYNC_EVERY = 2,
};

/**
 * A loop that any number of clients share. Programs hold pointers to it and know nothing of
 * its inside.
 */
struct mqttrs_loop;

/**
 * A message or a request on its way, which can be waited for. Programs hold pointers to it and
 * know nothing of its inside.
 */
struct mqttrs_token;

/**
 * A message to publish. Fill it with zeros first, then set `size`. What it points to stays the
 * program's, and is read only until the function returns that is given it.
 */
struct mqttrs_message {
    /**
     * `sizeof(struct mqttrs_message)`: the structure may grow.
     */
    size_t size;
    /**
     * Topic name, a C string in UTF-8 without wildcards.
     */
    const char *topic;
    /**
     * `payloadlen` bytes; NULL where that is 0.
     */
    const void *payload;
    /**
     * The length of `payload` in bytes, at most 268,435,455.
     */
    size_t payloadlen;
    /**
     * 0, 1 or 2.
     */
    int qos;
    /**
     * Whether the server keeps it for who subscribes later.
     */
    bool retain;
    /**
     * MQTT 5 properties for PUBLISH, NULL for none.
     */
    const mosquitto_property *properties;
};

/**
 * What became of a message, of a SUBSCRIBE or of an UNSUBSCRIBE.
 */
struct mqttrs_result {
    /**
     * `sizeof(struct mqttrs_result)`: the structure may grow.
     */
    size_t size;
    /**
     * The packet identifier that publishing or asking gave; 0 for what ended with its client.
     */
    int mid;
    /**
     * An `enum mqttrs_outcome_t`. Of a request MQTTRS_OUTCOME_ACKNOWLEDGED when the server has
     * answered, MQTTRS_OUTCOME_CONNECTION_LOST when the connection ended before, and
     * MQTTRS_OUTCOME_CLEARED when the client did.
     */
    int outcome;
    /**
     * The server's, 128 or more that it refused, 0 where there is none; of a request the highest
     * of `reason_codes`.
     */
    int reason_code;
    /**
     * How many topic filters were answered; 0 for a message, and for an UNSUBACK below MQTT 5.
     */
    int reason_code_count;
    /**
     * A code for each topic filter, in the order of the request; NULL for none.
     */
    const int *reason_codes;
    /**
     * The properties of the answer, NULL for none.
     */
    const mosquitto_property *properties;
};

/**
 * Runs once, when it is known what became of a message or a request. `result` and what it points
 * to live until the callback returns.
 */
typedef void (*MQTTRS_CB_done)(struct mosquitto *mosq,
                               void *userdata,
                               const struct mqttrs_result *result);

/**
 * A subscription. Fill it with zeros first, then set `size`.
 */
struct mqttrs_subscription {
    /**
     * `sizeof(struct mqttrs_subscription)`: the structure may grow.
     */
    size_t size;
    /**
     * Topic filter, a C string in UTF-8.
     */
    const char *filter;
    /**
     * The highest QoS in which messages shall come: 0, 1 or 2.
     */
    int qos;
    /**
     * Options of `enum mqtt5_sub_options`, or-ed (MQTT 5.0 section 3.8.3.1); without effect below
     * MQTT 5.
     */
    int options;
};

/**
 * Runs with a message that has arrived. `message`, all it points to and `props` belong to the
 * library and live until the callback returns, as in `mosquitto_message_v5_callback_set`.
 */
typedef void (*MQTTRS_CB_message)(struct mosquitto *mosq,
                                  void *userdata,
                                  const struct mosquitto_message *message,
                                  const mosquitto_property *props);

/**
 * When to connect again. Fill it with zeros first, then set `size`.
 */
struct mqttrs_reconnect_options {
    /**
     * `sizeof(struct mqttrs_reconnect_options)`.
     */
    size_t size;
    /**
     * The first delay in milliseconds, at least 1.
     */
    unsigned int delay_min;
    /**
     * The longest delay in milliseconds, at least `delay_min`.
     */
    unsigned int delay_max;
    /**
     * Each further delay is twice the one before; otherwise it is longer by `delay_min`.
     */
    bool doubling;
    /**
     * Each delay is by chance between 0 and what it would be, so that clients which lost
     * the same server do not all come back at once.
     */
    bool jitter;
    /**
     * No automatic reconnect, by no loop.
     */
    bool off;
    /**
     * Servers that an MQTT 5 server names are connected to (MQTT 5.0 section 4.11).
     */
    bool follow_references;
    /**
     * How many milliseconds a connection has to stand for delays and attempts to be counted
     * anew; 0: CONNACK is enough.
     */
    unsigned int stable;
    /**
     * How many attempts may fail in a row; 0 for no limit.
     */
    unsigned int attempts;
};

/**
 * A server for `mqttrs_servers_set`. Fill it with zeros first, then set `size`.
 */
struct mqttrs_server {
    /**
     * `sizeof(struct mqttrs_server)`.
     */
    size_t size;
    /**
     * Name or address.
     */
    const char *host;
    /**
     * 1 to 65535.
     */
    int port;
    /**
     * The lower, the sooner it is tried.
     */
    int priority;
};

/**
 * Where the life of a connection stands. It belongs to the library and lives until the
 * callback returns; later versions may have more behind the last member, as `size` says.
 */
struct mqttrs_lifecycle_event {
    /**
     * The size of this structure in bytes.
     */
    size_t size;
    /**
     * One of MQTTRS_LIFECYCLE_*.
     */
    int state;
    /**
     * What went wrong before that, a member of `mosq_err_t`; MOSQ_ERR_SUCCESS for nothing. An MQTT
     * 5 server that sends its clients away says so by MOSQ_ERR_USE_ANOTHER_SERVER, for now, or
     * MOSQ_ERR_SERVER_MOVED, for good: then the program had better be set up anew.
     */
    int cause;
    /**
     * The same in words; NULL for nothing.
     */
    const char *error;
    /**
     * The server of the present or last attempt; NULL before the first.
     */
    const char *host;
    /**
     * Its port; 0 for a Unix socket and for a domain with SRV records.
     */
    int port;
    /**
     * How many attempts were made in a row, this one included.
     */
    unsigned int attempt;
    /**
     * How many milliseconds until the next attempt, in MQTTRS_LIFECYCLE_WAITING.
     */
    unsigned int delay;
};

/**
 * Runs when the life of the connection goes on.
 */
typedef void (*mqttrs_lifecycle_callback)(struct mosquitto *mosq,
                                          void *obj,
                                          const struct mqttrs_lifecycle_event *event);

/**
 * A key and its value, both C strings in UTF-8 and never NULL. Numbers are in decimal.
 */
struct mqttrs_log_field {
    /**
     * Which value it is, `mid` for instance.
     */
    const char *key;
    /**
     * The value.
     */
    const char *value;
};

/**
 * Something that was logged. It belongs to the library and lives, with all that it points to,
 * until the callback returns; later versions may have more behind the last member, as `size` says.
 */
struct mqttrs_log_record {
    /**
     * The size of this structure in bytes.
     */
    size_t size;
    /**
     * How important it is: MOSQ_LOG_INFO, _NOTICE, _WARNING, _ERR or _DEBUG.
     */
    int level;
    /**
     * The client identifier; NULL where there is none, or not yet.
     */
    const char *client_id;
    /**
     * What happened: a name that stays the same in later versions, `publish.sent` for instance.
     */
    const char *event;
    /**
     * `field_count` keys with their values, each key once.
     */
    const struct mqttrs_log_field *fields;
    /**
     * How many there are; it may be 0, and later versions may have more.
     */
    size_t field_count;
    /**
     * The same in words, one line; for people, and it may change.
     */
    const char *text;
};

/**
 * Runs for each thing that is logged.
 */
typedef void (*mqttrs_log_callback)(struct mosquitto *mosq,
                                    void *obj,
                                    const struct mqttrs_log_record *record);

/**
 * A connection for `mqttrs_publish_once`, `mqttrs_receive_once` and `mqttrs_receive_each`. Fill it
 * with zeros first, then set `size` and `host`; what stays zero or NULL has its default. It stays
 * the program's with all that it points to, and is read only until the function returns.
 */
struct mqttrs_connection {
    /**
     * `sizeof(struct mqttrs_connection)`: the structure may grow.
     */
    size_t size;
    /**
     * Name or address of the server, or the path of a Unix socket, beginning with "/".
     */
    const char *host;
    /**
     * 1 to 65535; by default 1883, with TLS 8883, with WebSocket 80, with both 443.
     */
    int port;
    /**
     * An `enum mosq_transport_t`; MOSQ_T_TCP by default.
     */
    int transport;
    /**
     * The path of the WebSocket endpoint; "/mqtt" by default.
     */
    const char *http_path;
    /**
     * MQTT_PROTOCOL_V31, MQTT_PROTOCOL_V311 (default) or MQTT_PROTOCOL_V5.
     */
    int protocol_version;
    /**
     * The client identifier; by default one is made up.
     */
    const char *client_id;
    /**
     * The session is continued and kept; needs `client_id`. By default it is a clean one.
     */
    bool keep_session;
    /**
     * Seconds, 2 to 65535; 60 by default.
     */
    int keepalive;
    /**
     * Milliseconds for everything up to the outcome; 30000 by default.
     */
    unsigned int timeout_ms;
    /**
     * User name.
     */
    const char *username;
    /**
     * Password.
     */
    const char *password;
    /**
     * MQTTRS_TLS_OS_CERTS and MQTTRS_TLS_INSECURE, or-ed.
     */
    int tls;
    /**
     * A file of trusted certificates, as for `mosquitto_tls_set`; switches TLS on.
     */
    const char *cafile;
    /**
     * A folder of such files; switches TLS on.
     */
    const char *capath;
    /**
     * A file with the client's certificate chain.
     */
    const char *certfile;
    /**
     * A file with its private key.
     */
    const char *keyfile;
    /**
     * The application protocol to offer in TLS.
     */
    const char *alpn;
    /**
     * MQTTRS_PROXY_NONE (default), MQTTRS_PROXY_SOCKS5 or MQTTRS_PROXY_HTTP.
     */
    int proxy;
    /**
     * Name or address of the proxy.
     */
    const char *proxy_host;
    /**
     * Its port, 1 to 65535.
     */
    int proxy_port;
    /**
     * User name for the proxy.
     */
    const char *proxy_username;
    /**
     * Password for the proxy.
     */
    const char *proxy_password;
    /**
     * The last will; its payload has at most 65535 bytes.
     */
    const struct mqttrs_message *will;
    /**
     * MQTT 5 properties for CONNECT.
     */
    const mosquitto_property *properties;
    /**
     * Called with the client once all of the above was set, before it connects: any function may
     * set more of it, callbacks included, which get `userdata` as their `obj`. It may not destroy
     * or reinitialise the client or run its loop. What it returns, unless MOSQ_ERR_SUCCESS, is
     * what the call returns. The client lives until the call returns; `mosquitto_disconnect` from
     * another thread or a callback ends the call.
     */
    int (*prepare)(struct mosquitto *mosq, void *userdata);
    /**
     * For `prepare` and the callbacks that it sets.
     */
    void *userdata;
    /**
     * Gets in words what went wrong, in UTF-8 with a NUL byte at its end, cut to `error_size`
     * bytes; empty after a success.
     */
    char *error;
    /**
     * The room in `error`.
     */
    size_t error_size;
};

/**
 * A message that `mqttrs_receive_once` received, and the one behind it.
 */
struct mqttrs_received {
    /**
     * The size of this structure in bytes: later versions may have more behind the last member.
     */
    size_t size;
    /**
     * The message that came next; NULL for none.
     */
    struct mqttrs_received *next;
    /**
     * The message; a NUL follows the bytes of its payload, which is NULL where it is empty.
     */
    struct mosquitto_message message;
    /**
     * Its properties; NULL for none and below MQTT 5.
     */
    mosquitto_property *properties;
};

/**
 * Runs for each message; `message` and `props`, NULL for none, live until it returns. `false`
 * ends the call.
 */
typedef bool (*MQTTRS_CB_received)(void *userdata,
                                   const struct mosquitto_message *message,
                                   const mosquitto_property *props);

/**
 * How much may wait; for `mqttrs_queue_set`.
 */
struct mqttrs_queue_options {
    /**
     * `sizeof(struct mqttrs_queue_options)`: the structure may grow.
     */
    size_t size;
    /**
     * How many messages may wait or be in flight, 0 for no limit.
     */
    size_t max_messages;
    /**
     * How many bytes of these, as they are sent, 0 for no limit.
     */
    size_t max_bytes;
    /**
     * An `enum mqttrs_overflow_t`: what happens to a message for which there is no room.
     */
    int overflow;
    /**
     * With MQTTRS_OVERFLOW_WAIT: how long in milliseconds.
     */
    unsigned int wait_ms;
    /**
     * Messages of QoS 0 wait while there is no connection, in order with the others, instead
     * of being refused with MOSQ_ERR_NO_CONN.
     */
    bool queue_qos0;
};

/**
 * Runs once for each message that was accepted, when it is known what became of it: `outcome`
 * is an `enum mqttrs_outcome_t`.
 */
typedef void (*MQTTRS_CB_outcome)(struct mosquitto *mosq,
                                  void *obj,
                                  int mid,
                                  int outcome,
                                  int reason_code,
                                  const mosquitto_property *props);

/**
 * Runs once for each request that was made, when its response has come or will not come any more.
 *
 * `result` is MOSQ_ERR_SUCCESS with a response; MOSQ_ERR_TIMEOUT when the time was over, or the
 * message expired before it was sent; MOSQ_ERR_ACL_DENIED when the server refuses the request, or does not
 * let the client subscribe to the topic of its responses; where the request was dropped without having been sent,
 * MOSQ_ERR_QUOTA_EXCEEDED as others took its place in the queue or the program cleared that,
 * MOSQ_ERR_OVERSIZE_PACKET or MOSQ_ERR_QOS_NOT_SUPPORTED as the present server does not take it,
 * MOSQ_ERR_CONN_LOST as the connection ended before one of QoS 0 was on its way;
 * MOSQ_ERR_NO_CONN when the client was destroyed or made anew. `response` is NULL unless
 * `result` is MOSQ_ERR_SUCCESS, `props` NULL too where it has no properties; both live until the
 * callback returns, and `mosquitto_message_copy` makes them last.
 */
typedef void (*MQTTRS_CB_response)(struct mosquitto *mosq,
                                   void *userdata,
                                   int result,
                                   const struct mosquitto_message *response,
                                   const mosquitto_property *props);

/**
 * Runs for each request; see `mqttrs_serve`. `props` is NULL for none; both it and `request` live
 * until the callback returns.
 */
typedef void (*MQTTRS_CB_request)(struct mosquitto *mosq,
                                  void *userdata,
                                  const struct mosquitto_message *request,
                                  const mosquitto_property *props);

/**
 * The numbers of a client since it was made or reinitialised; see the function of this name. Later
 * versions of the library may know more, which then stand at the end.
 */
struct mqttrs_stats {
    /**
     * The size of this structure, set by the program.
     */
    size_t size;
    /**
     * PUBLISH packets sent, by QoS, repeated ones too.
     */
    uint64_t messages_sent[3];
    /**
     * Their bytes, as MQTT packets.
     */
    uint64_t message_bytes_sent[3];
    /**
     * PUBLISH packets received, by QoS, repeated ones too.
     */
    uint64_t messages_received[3];
    /**
     * Their bytes, as MQTT packets.
     */
    uint64_t message_bytes_received[3];
    /**
     * Packets of all types sent.
     */
    uint64_t packets_sent;
    /**
     * Packets of all types received.
     */
    uint64_t packets_received;
    /**
     * Bytes that the network took, without what TLS and WebSocket add.
     */
    uint64_t bytes_sent;
    /**
     * Bytes that the network brought, without what TLS and WebSocket add.
     */
    uint64_t bytes_received;
    /**
     * Attempts to connect, successful or not.
     */
    uint64_t connect_attempts;
    /**
     * Connections that the server accepted.
     */
    uint64_t connections;
    /**
     * Those after the first.
     */
    uint64_t reconnects;
    /**
     * Connections that ended, also such that the server refused.
     */
    uint64_t disconnects;
    /**
     * Messages of QoS 1 and 2 that were accepted and have not ended.
     */
    uint64_t queued_messages;
    /**
     * The bytes that are kept of them.
     */
    uint64_t queued_bytes;
    /**
     * Those of them that were sent on this connection.
     */
    uint64_t in_flight;
    /**
     * Messages not sent because their message expiry interval was over.
     */
    uint64_t dropped_expired;
    /**
     * Messages not sent because the server does not take their QoS.
     */
    uint64_t dropped_qos;
    /**
     * Messages not sent because they are larger than the server takes.
     */
    uint64_t dropped_size;
    /**
     * Messages that made room for newer ones.
     */
    uint64_t dropped_overflow;
    /**
     * Messages of QoS 0 that the network had not taken when the connection ended.
     */
    uint64_t dropped_connection;
    /**
     * How many times it was measured how long the server takes to answer: each PINGREQ, and one
     * message of QoS 1 or 2 at a time, from when the network has taken it.
     */
    uint64_t round_trips;
    /**
     * The last measurement in microseconds, 0 without any, as for those below.
     */
    uint64_t round_trip_last;
    /**
     * The shortest.
     */
    uint64_t round_trip_minimum;
    /**
     * The average that TCP uses (RFC 6298 section 2).
     */
    uint64_t round_trip_smoothed;
    /**
     * What the disconnect callback was told last, 0 without a disconnect.
     */
    int last_disconnect;
    /**
     * Received messages that were beyond the limit of `mqttrs_receive_throttle_set`.
     */
    uint64_t received_dropped;
};

/**
 * How a session is stored; members that are 0 have their defaults.
 */
struct mqttrs_store_options {
    /**
     * `sizeof(struct mqttrs_store_options)`, so that members can be added.
     */
    size_t size;
    /**
     * One of `enum mqttrs_store_durability`.
     */
    int durability;
    /**
     * Milliseconds, for MQTTRS_STORE_SYNC_GROUPS; 0 for 100.
     */
    unsigned int sync_interval;
    /**
     * How many bytes the outgoing messages that are kept may take; 0 for 1 GiB. The folder has
     * up to five times as much and 3 MiB while the log is written anew.
     */
    uint64_t maximum_bytes;
};

/**
 * A limit of speed. Fill it with zeros first, then set `size`.
 *
 * It is a bucket of tokens: it begins full, each message takes its tokens out, and they come back
 * evenly. So in any t seconds no more goes than the burst and t times the rate. A message that is
 * larger than the burst goes when the bucket is full, and the next ones wait until all it took
 * has come back.
 */
struct mqttrs_throttle {
    /**
     * `sizeof(struct mqttrs_throttle)`: the structure may grow.
     */
    size_t size;
    /**
     * Messages a second, also fractions of one; 0 for no such limit.
     */
    double messages_per_second;
    /**
     * Bytes a second, counted in PUBLISH packets with their whole topic names; 0 for no such limit.
     */
    double bytes_per_second;
    /**
     * How many messages may go at once after a pause; 0 for 1.
     */
    unsigned int burst_messages;
    /**
     * How many bytes may go at once after a pause; 0 for those of one second.
     */
    size_t burst_bytes;
    /**
     * An `enum mqttrs_excess_t`: what happens to a message beyond the limit.
     */
    int excess;
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Sets who acknowledges messages of QoS 1 and 2 that come from now on; those that have come keep
 * the mode they came with.
 *
 * `mode` is an `enum mqttrs_ack_mode_t`. What is not acknowledged fills the receive window: with
 * MQTT 5 the server sends no more than Receive Maximum messages (MOSQ_OPT_RECEIVE_MAXIMUM) ahead of
 * the acknowledgements (MQTT 5.0 section 4.9), and one that sends more is borne with; below MQTT 5
 * many servers have a limit of their own.
 * Acknowledgements are sent in the order in which the messages came, those of QoS 1 and those of
 * QoS 2 each (MQTT 5.0 section 4.6): one that is given early waits for those before it. Neither
 * disconnecting nor `mosquitto_destroy` acknowledges.
 *
 * Where the server keeps the session over a lost connection, a message that was delivered and not
 * acknowledged stays the program's: it is not delivered again, may be acknowledged at any time, and
 * the server gets that once it has sent the message again. Without DUP, or with another topic or
 * payload, a message of QoS 1 is a new one and takes the place of an older one with its packet
 * identifier. Where the session is lost, all are forgotten, and what the server sends then is new.
 * A message of QoS 1 whose acknowledgement was lost with the connection comes again as ever. In the next
 * process everything comes again that was not acknowledged, and with a store of
 * `mqttrs_store_open` no message of QoS 2 that was.
 *
 * With MQTTRS_ACK_AFTER_CALLBACK a callback that disconnects and wants its message acknowledged
 * calls `mqttrs_ack` first, since nothing can follow DISCONNECT. `mosquitto_reinitialise` sets
 * MQTTRS_ACK_AUTOMATIC.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and an unknown `mode`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mqttrs_ack_mode_set(struct mosquitto *mosq,
                        int mode);

/**
 * Acknowledges a message of QoS 1 (PUBACK) or QoS 2 (PUBREC) that came in another mode than
 * MQTTRS_ACK_AUTOMATIC; the library does the rest of QoS 2.
 *
 * `mid` is the one in `struct mosquitto_message`. `reason_code` is 0, or for MQTT 5 one that PUBACK
 * and PUBREC may have (MQTT 5.0 sections 3.4.2.1 and 3.5.2.1): with 128 or more the message is
 * refused. Messages may be acknowledged in any order. Inside a callback the acknowledgement leaves
 * when the callback has returned; without a connection it is remembered as long as the session is kept.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_NOT_FOUND where no message with this `mid` awaits an
 * acknowledgement, because it has one, or the session was lost; MOSQ_ERR_INVAL for `mosq` NULL
 * or destroyed, and a `reason_code` that is not for it; MOSQ_ERR_ERRNO where the store of
 * `mqttrs_store_open` cannot be written.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mqttrs_ack(struct mosquitto *mosq,
               int mid,
               int reason_code);

/**
 * Publishes a message, and tells what became of it.
 *
 * As `mosquitto_publish_v5` of what `message` says; all of it is copied. `mid` may be NULL;
 * otherwise the packet identifier is written there before the message is sent.
 *
 * `on_done` may be NULL; otherwise it runs once for this message, with `userdata`, after the
 * publish callbacks and the outcome callback, on the thread that runs the loop. Where `token` is not
 * NULL a token is written there, before the message is sent, which `mqttrs_token_wait` takes; it
 * belongs to the program, which ends it with `mqttrs_token_destroy`. A connection that is lost
 * ends no message of QoS 1 or 2: they wait for the next one. `mosquitto_destroy` and
 * `mosquitto_reinitialise` end those that are left, with MQTTRS_OUTCOME_CLEARED, before they return.
 * A message that an earlier process has left in a store has no callback and no token.
 *
 * Does not block. Any thread, any callback.
 *
 * Returns what `mosquitto_publish_v5` returns, and then `on_done` does not run and there is no token,
 * but for MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `message` NULL or its `size` too small.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `message` is NULL or valid with all it points to;
 * `mid` and `token` are NULL or may be written to.
 */
libmosq_EXPORT
int mqttrs_publish(struct mosquitto *mosq,
                   int *mid,
                   const struct mqttrs_message *message,
                   MQTTRS_CB_done on_done,
                   void *userdata,
                   struct mqttrs_token **token);

/**
 * Subscribes to topic filters, each with its QoS and options, with one SUBSCRIBE (MQTT 5.0
 * section 3.8), and tells what the server answered.
 *
 * `subscriptions` has `count` entries, at least one; they and `properties`, which may be NULL, are
 * copied. `mid`, `on_done`, `userdata` and `token` as for `mqttrs_publish`; the result has a code
 * for each filter. The subscribe callbacks run before `on_done`.
 *
 * Does not block. Any thread, any callback.
 *
 * Returns what `mosquitto_subscribe_v5` returns, and then `on_done` does not run and there is no
 * token, but for MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `subscriptions` NULL, `count` 0 or a `size` too
 * small.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `subscriptions` is NULL or has `count` valid entries;
 * `properties` is NULL or a valid list; `mid` and `token` are NULL or may be written to.
 */
libmosq_EXPORT
int mqttrs_subscribe(struct mosquitto *mosq,
                     int *mid,
                     const struct mqttrs_subscription *subscriptions,
                     size_t count,
                     const mosquitto_property *properties,
                     MQTTRS_CB_done on_done,
                     void *userdata,
                     struct mqttrs_token **token);

/**
 * Ends subscriptions with one UNSUBSCRIBE (MQTT 5.0 section 3.10), and tells what the server
 * answered.
 *
 * `filters` has `count` topic filters, at least one, as they were subscribed to; they and
 * `properties`, which may be NULL, are copied. `mid`, `on_done`, `userdata` and `token` as for
 * `mqttrs_publish`. Below MQTT 5 the answer has no codes.
 *
 * Does not block. Any thread, any callback.
 *
 * Returns what `mqttrs_subscribe` returns.
 *
 * The caller promises:
 * As `mqttrs_subscribe`; `filters` is NULL or has `count` entries, each NULL or a C string.
 */
libmosq_EXPORT
int mqttrs_unsubscribe(struct mosquitto *mosq,
                       int *mid,
                       const char *const *filters,
                       size_t count,
                       const mosquitto_property *properties,
                       MQTTRS_CB_done on_done,
                       void *userdata,
                       struct mqttrs_token **token);

/**
 * Waits until it is known what became of a message or a request, at most `timeout_ms`
 * milliseconds.
 *
 * `result` may be NULL; otherwise it gets the result. Set its `size` before; what it points to
 * lives until `mqttrs_token_destroy`. Where nobody runs the client's loop, this call does. Any
 * thread, but not inside a callback of the client, nor on the thread of a shared loop, unless there
 * is nothing to wait for.
 *
 * Returns MOSQ_ERR_SUCCESS when there is a result, whatever it says; MOSQ_ERR_TIMEOUT when not;
 * MOSQ_ERR_NO_CONN when not, and the program has ended the connection, or its loop has given up;
 * MOSQ_ERR_INVAL for `token` NULL or destroyed, a `size` too small, and where it would have to wait in
 * a callback; where this call runs the loop, also what `mosquitto_loop` returns when the
 * connection ends.
 *
 * The caller promises:
 * `token` is NULL or came from this library; `result` is NULL or has `size` bytes.
 */
libmosq_EXPORT
int mqttrs_token_wait(struct mqttrs_token *token,
                      unsigned int timeout_ms,
                      struct mqttrs_result *result);

/**
 * Waits until it is known what became of several messages or requests, at most `timeout_ms`
 * milliseconds for all.
 *
 * `tokens` has `count` entries, also of different clients. Otherwise as `mqttrs_token_wait`.
 * `mqttrs_drain` waits for all messages of a client.
 *
 * Returns what `mqttrs_token_wait` returns, for the first token that it is not MOSQ_ERR_SUCCESS of.
 *
 * The caller promises:
 * `tokens` is NULL or has `count` entries, each for `mqttrs_token_wait`.
 */
libmosq_EXPORT
int mqttrs_tokens_wait(struct mqttrs_token *const *tokens,
                       size_t count,
                       unsigned int timeout_ms);

/**
 * Whether it is known what became of a message or a request.
 *
 * Any thread, any callback. Returns false for `token` NULL or destroyed too.
 *
 * The caller promises:
 * `token` is NULL or came from this library.
 */
libmosq_EXPORT bool mqttrs_token_is_done(const struct mqttrs_token *token);

/**
 * Ends a token and frees what it has; the message or the request goes on. NULL is allowed and does
 * nothing.
 *
 * Any thread, any callback. Who is waiting for it goes on waiting. `token` must not be used
 * afterwards; where that happens by mistake, functions answer with MOSQ_ERR_INVAL until 64 other
 * tokens have been destroyed.
 *
 * The caller promises:
 * `token` is NULL or came from this library.
 */
libmosq_EXPORT void mqttrs_token_destroy(struct mqttrs_token *token);

/**
 * Sets how long an attempt to connect may take: the look-up of the name, the addresses of
 * the server, the proxy, and the handshakes of TLS and WebSocket together. An attempt that
 * takes longer fails, with MOSQ_ERR_EAI while the name was being looked up, otherwise with
 * MOSQ_ERR_ERRNO and `errno` ETIMEDOUT. Whether CONNACK comes is the keep alive's to judge, and
 * with a keep alive of 0 part of the attempt.
 *
 * `milliseconds` is 1 to 4294967295; 30000 is the default. It also bounds `mosquitto_connect`
 * and the other calls that block. Takes effect with the next attempt. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, or 0 milliseconds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_connect_timeout_set(struct mosquitto *mosq, unsigned int milliseconds);

/**
 * Sets whether the next connections begin with a new session, in place of what `mosquitto_new` was
 * told: Clean Start in MQTT 5 (MQTT 5.0 section 3.1.2.4), Clean Session below.
 *
 * `on` true has the server forget what it has of the client, false has it go on with that. In MQTT
 * 5 the property Session Expiry Interval says how long it keeps it, so that a client may begin anew
 * with its first connection and go on with those that follow. Messages that wait here stay in any case.
 *
 * Takes effect with the next attempt. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and with `on` for a client
 * with a store of `mqttrs_store_open`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mqttrs_clean_start_set(struct mosquitto *mosq,
                           bool on);

/**
 * Connects through an HTTP proxy, by the method CONNECT (RFC 9110 section 9.3.6), and not
 * through a SOCKS5 proxy any more; `mosquitto_socks5_set` is the reverse.
 *
 * `host` is the proxy's name or address, NULL for no proxy of any kind; `port` is 1 to
 * 65535. The server's name is handed to the proxy as it is and resolved there. `username`
 * and `password` are for basic authentication (RFC 7617), NULL for none; a colon cannot be
 * part of `username`. All are copied. Unix sockets are reached without the proxy.
 *
 * Where the proxy refuses, connecting fails with MOSQ_ERR_AUTH (its rules or the
 * credentials), MOSQ_ERR_NO_CONN (it cannot reach the server) or MOSQ_ERR_PROXY;
 * `mqttrs_last_error` has its words.
 *
 * Takes effect with the next attempt. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `port` out of range, a
 * string that is not UTF-8, or a `password` without `username`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; the others are NULL or C strings.
 */
libmosq_EXPORT
int mqttrs_http_proxy_set(struct mosquitto *mosq,
                          const char *host,
                          int port,
                          const char *username,
                          const char *password);

/**
 * Adds a header field to the request that begins a WebSocket connection (RFC 6455 section
 * 4.1), for instance `Authorization` or `Origin`.
 *
 * `name` and `value` are copied. A name may be added several times. `Host` and
 * `Sec-WebSocket-Protocol` take the place of the library's own fields. NULL for `name` removes
 * all fields added before.
 *
 * Takes effect with the next attempt. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `value` NULL with a
 * `name`, a name or value that HTTP does not allow (RFC 9110 section 5), or a field that the
 * upgrade itself needs: `Connection`, `Upgrade`, `Sec-WebSocket-Key` and
 * `Sec-WebSocket-Version`; MOSQ_ERR_NOT_SUPPORTED when the library was built without WebSocket.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; the others are NULL or C strings.
 */
libmosq_EXPORT
int mqttrs_websocket_header_add(struct mosquitto *mosq,
                                const char *name,
                                const char *value);

/**
 * Tells in words what went wrong last with a client: in a call that returned an error, in
 * an attempt to connect, or why a connection ended. It names the file, the certificate, the
 * address or the answer of the peer that was to blame, for a person to read; programs
 * decide by error codes.
 *
 * `buffer` gets the text in UTF-8 with a NUL byte at its end, cut to `size` bytes; it may be
 * NULL when `size` is 0. Any thread, any callback; the text is that of the client, not of the
 * calling thread.
 *
 * Returns the length of the whole text in bytes without the NUL, 0 when nothing went wrong
 * so far and for `mosq` NULL or destroyed; in a process that inherited `mosq` by `fork`, that
 * this is so.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `buffer` has room for `size` bytes.
 */
libmosq_EXPORT size_t mqttrs_last_error(struct mosquitto *mosq, char *buffer, size_t size);

/**
 * Adds a callback for the messages whose topics match `filter`, or replaces the one that `filter`
 * has.
 *
 * A message goes to every callback whose filter matches its topic (MQTT 5.0 section 4.7), and to
 * those of `mosquitto_message_callback_set` and `_v5` only where none does. Its cost does not
 * depend on how many filters there are. Nothing is subscribed to by this call, and what the
 * server sends does not depend on it. `$share/{name}/{filter}` stands for what `filter` matches,
 * since nothing in a message says by which subscription it comes; it is another filter than that
 * one, and with both, both are called. A filter that begins with a wildcard does not match topics
 * that begin with `$`.
 *
 * The order is that of the first level in which two filters differ: `a` is called before `a/#`, and
 * a name before `+` before `#`; a filter is called before the same one in shares, of which the
 * latest comes first.
 *
 * `filter` is copied. `userdata` is what the callback gets, NULL allowed; it belongs to the program
 * and has to live until the callback was removed, or replaced, and runs no more.
 *
 * Any thread, any callback. A message that is being delivered in the meantime does not go to a
 * callback that is added, and goes to the new one where its turn comes after it was replaced.
 * Callbacks of one client run one at a time, with no lock held, on the thread that runs its
 * loop. `mosquitto_destroy` and `mosquitto_reinitialise` remove all.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `on_message` NULL, `filter` NULL
 * or not a topic filter; MOSQ_ERR_MALFORMED_UTF8 for a `filter` that is not UTF-8.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `filter` is NULL or a C string; `on_message` is NULL or a
 * function of this type.
 */
libmosq_EXPORT
int mqttrs_message_callback_add(struct mosquitto *mosq,
                                const char *filter,
                                MQTTRS_CB_message on_message,
                                void *userdata);

/**
 * Removes the callback of `filter`, which is the text that it was added with.
 *
 * Any thread, any callback, that of `filter` itself included: its call goes on. A message that is
 * being delivered does not go to it any more.
 *
 * This does not wait. Called inside a callback of the client, or on the thread that runs its loop, it
 * leaves no call of the removed callback but the one that it may have come from. Where
 * another thread runs the loop, that one may be inside the callback or about to enter it.
 * It is not any more when the loop has ended for this client: where a thread of the library runs
 * it, when `mosquitto_loop_stop`, `mqttrs_loop_remove` or `mosquitto_destroy` has returned, called
 * outside callbacks; else when the program's thread is back from it. Until then the user data
 * has to live.
 *
 * Nothing is unsubscribed from by this call.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_NOT_FOUND where the filter has no callback; MOSQ_ERR_INVAL for
 * `mosq` NULL or destroyed, `filter` NULL or not a topic filter; MOSQ_ERR_MALFORMED_UTF8 for a `filter`
 * that is not UTF-8.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `filter` is NULL or a C string.
 */
libmosq_EXPORT
int mqttrs_message_callback_remove(struct mosquitto *mosq,
                                   const char *filter);

/**
 * Sets when a loop that reconnects (`mosquitto_loop_start`, `mosquitto_loop_forever`,
 * `mqttrs_loop_add`) connects again, and when it ceases to.
 *
 * `options` is copied and may not be NULL. It replaces what `mosquitto_reconnect_delay_set` has
 * set, and that function replaces its delays and `doubling`. Without either call a second passes
 * between two attempts, for ever.
 *
 * With `off`, or after `attempts`, the client is as after an error that is final:
 * `mosquitto_loop_forever` returns the error, the thread of `mosquitto_loop_start` waits for
 * `mosquitto_reconnect_async` or another connect call. A server reference is followed at once,
 * and once until a delay comes or the connection has stood for 10 seconds; at most 16 servers of
 * one are tried, with port 1883 or with TLS 8883 where it names none, and then those of the
 * program again.
 *
 * Takes effect with the next connection that is lost or refused. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `options` NULL or with a
 * wrong `size`, `delay_min` 0 or above `delay_max`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `options` is NULL or has as many bytes as it says.
 */
libmosq_EXPORT
int mqttrs_reconnect_set(struct mosquitto *mosq,
                         const struct mqttrs_reconnect_options *options);

/**
 * Says that the network has changed: a loop that waits with the next attempt makes it at
 * once, and one that is connecting begins anew.
 *
 * A connection that stands is left alone. With `patience`, in milliseconds, the server is sent
 * PINGREQ and given up when nothing comes from it in that time, whatever the keep alive; 0 for
 * no such question. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed; MOSQ_ERR_NO_CONN where
 * nothing is to be brought forward: no connect call came before, or it was given up, or no
 * loop reconnects the client. `mosquitto_reconnect_async` makes an attempt then.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_reconnect_now(struct mosquitto *mosq, unsigned int patience);

/**
 * Sets the servers of which `mqttrs_connect` connects to one.
 *
 * `servers` has `count` of them, which are copied; a `count` of 0 is for none, and `servers`
 * may be NULL then. `order` is MQTTRS_SERVERS_PRIORITY or MQTTRS_SERVERS_ROUND_ROBIN. A server
 * that cannot be reached or refuses is followed by the next one at once, until each was tried;
 * then comes the reconnect delay. A connection that is lost is followed by the delay, and
 * then by the best server or by the next one. TLS, transport and credentials are those of the
 * client.
 *
 * Takes effect with the next attempt. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `servers` NULL with a
 * `count`, an unknown `order`, and a server with a wrong `size`, a `host` that is NULL, empty or
 * not UTF-8, or a `port` out of range. After an error the servers are as they were.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `servers` is NULL or has `count` servers of one
 * size, whose hosts are NULL or C strings.
 */
libmosq_EXPORT
int mqttrs_servers_set(struct mosquitto *mosq,
                       const struct mqttrs_server *servers,
                       size_t count,
                       int order);

/**
 * Begins to connect to a server of `mqttrs_servers_set` and returns at once: as
 * `mosquitto_connect_async`, to the first server of the list.
 *
 * `keepalive` is as for `mosquitto_connect`. `props` are those of CONNECT, copied, and stay the
 * program's; NULL for none. Where no loop reconnects, each `mosquitto_reconnect` after a failure
 * takes the next server. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `keepalive` out of range,
 * and without servers; for `props` what `mosquitto_connect_bind_v5` returns.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `props` is NULL or a valid list.
 */
libmosq_EXPORT
int mqttrs_connect(struct mosquitto *mosq,
                   int keepalive,
                   const mosquitto_property *props);

/**
 * Has subscriptions made again when the client has connected and the server no longer has its
 * session. Off by default.
 *
 * From the call on, subscriptions that the server accepts are kept, with their options and
 * properties, subscription identifiers for instance, until they are ended. After CONNACK
 * without a session, and after the connect callbacks, they are asked for in as few packets as
 * the server takes, before messages that wait; those that the program asks for itself in the
 * callback are left out. The subscribe callbacks run for them as for any. What the server
 * refuses then is not asked for again. Below MQTT 3.1.1, where the server does not say whether it
 * has the session, they are asked for each time. `false` forgets them.
 *
 * Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_resubscribe_set(struct mosquitto *mosq, bool on);

/**
 * Sets what is called when the life of the connection goes on: an attempt begins, the server
 * accepts it, it fails and the next one is planned, it is given up or has ended.
 *
 * The callback gets `mosq`, the client's `obj`, and what happened. It runs in the thread that
 * runs the loop, in order with the other callbacks: for an accepted connection before the
 * connect callbacks, for a lost one after the disconnect callbacks. The pre-connect callbacks,
 * which run before an attempt, come ahead of what waits. Any function may be called in it.
 *
 * Any thread, any callback; NULL removes the callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL
 * for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `callback` is NULL or a function of this type.
 */
libmosq_EXPORT
int mqttrs_lifecycle_callback_set(struct mosquitto *mosq,
                                  mqttrs_lifecycle_callback callback);

/**
 * Sets what is called for each thing that is logged: packets, connections and attempts,
 * messages that are dropped, what is refused. The guide to logging lists the events and their keys.
 *
 * The callback gets `mosq`, the client's `obj`, and a record, which the library keeps. What
 * `mosquitto_log_callback_set` has set gets its lines as before, ahead of this callback; the
 * records are more, and the words of those that are lines are the same. The callback runs in
 * order with the client's other callbacks, in the thread that runs the loop, or where no thread
 * does, in the one whose call is logged. It may call any function; what it does with the same
 * client is not logged. Without any of the two callbacks nothing is made for the log.
 *
 * Any thread, any callback; NULL removes the callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL
 * for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_log` is NULL or a function of this type.
 */
libmosq_EXPORT int mqttrs_log_callback_set(struct mosquitto *mosq, mqttrs_log_callback on_log);

/**
 * Makes a loop, without clients, that nobody runs yet: one thread that does what
 * `mosquitto_loop_start` needs a thread a client for.
 *
 * It belongs to the program, which ends it with `mqttrs_loop_destroy`. `mqttrs_loop_add` puts
 * clients in. It is run by `mqttrs_loop_run`, `mqttrs_loop_start` or `mqttrs_loop_run_once`.
 * Any thread, any callback.
 *
 * Returns the loop, or NULL, with `errno` set, when the system has no descriptors left: a
 * loop takes three, and its clients one each.
 */
libmosq_EXPORT struct mqttrs_loop *mqttrs_loop_new(void);

/**
 * Ends a loop. NULL is allowed and does nothing.
 *
 * A run is stopped as by `mqttrs_loop_stop`. The clients are removed as by
 * `mqttrs_loop_remove`, and live on, with their connections.
 *
 * Any thread, any callback. `loop` must not be used afterwards; where that happens by mistake,
 * functions answer with MOSQ_ERR_INVAL until 64 other loops have been destroyed.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`.
 */
libmosq_EXPORT void mqttrs_loop_destroy(struct mqttrs_loop *loop);

/**
 * Puts a client into a loop, which drives it from now on, reconnects it, and calls its
 * callbacks, in the thread that runs the loop: as the thread of `mosquitto_loop_start` would.
 *
 * May come before or after a connect call; `mosquitto_connect_async` is the one that does not
 * hold up the others when called in a callback. Meanwhile `mosquitto_loop`,
 * `mosquitto_loop_forever` and `mosquitto_loop_start` on the client return MOSQ_ERR_INVAL.
 * `mqttrs_loop_remove` takes the client out again, and so do `mosquitto_destroy`,
 * `mosquitto_reinitialise` and `mqttrs_loop_destroy`.
 *
 * Any thread, any callback, whether the loop runs or not.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` or `mosq` NULL or destroyed, and when the
 * client is in a loop already, has a thread of its own, or is in `mosquitto_loop` or
 * `mosquitto_loop_forever` at the moment.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`; `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_loop_add(struct mqttrs_loop *loop, struct mosquitto *mosq);

/**
 * Takes a client out of a loop. Its connection stays, and nobody drives it any more: the
 * program may call `mosquitto_loop` or put it into another loop.
 *
 * When this returns, no callback of the client runs in the loop, or will: it waits for one
 * that runs in another thread, so hold no lock that callback wants. Inside a callback of the
 * client itself nothing is waited for, and this callback is the last. Two loops whose callbacks remove
 * each other's clients at the same time wait for each other.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` or `mosq` NULL or destroyed, and when the
 * client is not in this loop.
 *
 * The caller promises:
 * As `mqttrs_loop_add`.
 */
libmosq_EXPORT
int mqttrs_loop_remove(struct mqttrs_loop *loop,
                       struct mosquitto *mosq);

/**
 * Runs a loop in the calling thread until `mqttrs_loop_stop` or `mqttrs_loop_destroy`, also
 * while there is no client in it.
 *
 * Any thread, one at a time; inside a callback only for a loop that is not running.
 *
 * Returns MOSQ_ERR_SUCCESS when it was stopped; MOSQ_ERR_INVAL for `loop` NULL or destroyed and
 * when the loop runs already; MOSQ_ERR_ERRNO, with `errno` set, when the system does not poll.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`.
 */
libmosq_EXPORT int mqttrs_loop_run(struct mqttrs_loop *loop);

/**
 * Runs one turn of a loop: waits until there is something to do, gives every client that
 * has something a share of the time, and returns.
 *
 * `timeout` is the longest wait in milliseconds, 0 for none and negative for no limit. (That is
 * not the 1000 of `mosquitto_loop`: nothing is missed while it waits.) One turn does not read
 * all that a busy client has; call this again and again. For a program's own event loop see
 * `mqttrs_loop_socket`. `mqttrs_loop_stop` ends the wait.
 *
 * Any thread, one at a time; inside a callback only for a loop that is not running.
 *
 * Returns what `mqttrs_loop_run` returns. What happens to clients is for their callbacks.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`.
 */
libmosq_EXPORT int mqttrs_loop_run_once(struct mqttrs_loop *loop, int timeout);

/**
 * Starts a thread that runs a loop until `mqttrs_loop_stop` or `mqttrs_loop_destroy`, and
 * returns.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` NULL or destroyed and when the loop runs
 * already; MOSQ_ERR_ERRNO, with `errno` set, when the system gives no thread.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`.
 */
libmosq_EXPORT int mqttrs_loop_start(struct mqttrs_loop *loop);

/**
 * Ends the run of a loop, whichever thread it is in, after the callback it is in, and waits
 * until it has ended.
 *
 * What clients have to send and the network takes at once is sent, a DISCONNECT of
 * `mosquitto_disconnect` too; nothing is waited for. The clients stay in the loop and have
 * their connections, but nobody drives them until the loop is run again.
 *
 * Any thread. In callbacks of clients that are in a loop, this or another, it does not wait.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` NULL or destroyed and when the loop does not run:
 * a run that begins later is not stopped.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`.
 */
libmosq_EXPORT
int mqttrs_loop_stop(struct mqttrs_loop *loop);

/**
 * The one descriptor to watch for all clients of a loop, in a program's own event loop:
 * readable means that `mqttrs_loop_run_once` with timeout 0 has something to do.
 *
 * Watch it for reading, as long as `mqttrs_loop_timeout` says; then call
 * `mqttrs_loop_run_once(loop, 0)`, whether it was readable or the time was over. Whatever comes
 * up in between makes it readable, such as a message published by another thread or a client
 * added. It stays the same for the life of the loop and belongs to the library: do not read,
 * write or close it.
 *
 * Any thread, any callback. Returns -1 for `loop` NULL or destroyed.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`.
 */
libmosq_EXPORT int mqttrs_loop_socket(struct mqttrs_loop *loop);

/**
 * In how many milliseconds `mqttrs_loop_run_once` has something to do at the latest, though
 * the descriptor of `mqttrs_loop_socket` be not readable: a keep alive or an attempt to connect,
 * for instance. It fits the last argument of poll().
 *
 * Any thread, any callback; ask again after each turn.
 *
 * Returns 0 for at once, -1 for never, and for `loop` NULL or destroyed.
 *
 * The caller promises:
 * `loop` is NULL or came from `mqttrs_loop_new`.
 */
libmosq_EXPORT int mqttrs_loop_timeout(struct mqttrs_loop *loop);

/**
 * Connects, publishes messages, waits until the server has acknowledged them, and disconnects.
 *
 * `messages` has `count` messages, at least one, for any topics, which are sent in this order. QoS 1
 * and 2 have come to their end with the last acknowledgement, QoS 0 when the network has taken the
 * message. One that is refused does not keep the others back. A connection that is lost is made
 * again while there is time, up to the third on which nothing is acknowledged; what was not
 * acknowledged is then sent again (MQTT 5.0 section 4.4), and of QoS 0 only what the network had not
 * taken as a whole.
 *
 * `results` is NULL or has room for `count` numbers, which say what became of each message:
 * MOSQ_ERR_SUCCESS, a reason code of 128 or more with which the server refused it (MQTT 5.0 section
 * 2.4, see `mosquitto_reason_string`), what `mosquitto_publish_v5` returns for it, or why it was not
 * sent or not acknowledged.
 *
 * Blocks, at most for the time in `connection`; a name that is being looked up then goes on being
 * looked up by a thread that ends by itself. Any thread, any callback, which it holds up; it shares
 * nothing with other clients.
 *
 * Returns MOSQ_ERR_SUCCESS when all messages have it as their result, otherwise the first other
 * result; MOSQ_ERR_INVAL for `connection` or `messages` NULL, a `count` of 0 or above 4194304, a
 * `size` that is smaller than its structure, and a value in the connection that `mosquitto_connect` or
 * the functions that set such options do not take, or what else these return;
 * MOSQ_ERR_CONN_REFUSED when the server refuses the connection; MOSQ_ERR_TIMEOUT; otherwise why
 * there was no connection, as `mosquitto_loop` has it, with MOSQ_ERR_ERRNO and `errno` for errors of
 * the system. The words are in the `error` of the connection.
 *
 * The caller promises:
 * `connection` is NULL or leads to such a structure, whose pointers are NULL or lead to what it says;
 * `messages` is NULL or has `count` messages of one size; `results` is NULL or has `count` numbers.
 */
libmosq_EXPORT
int mqttrs_publish_once(const struct mqttrs_connection *connection,
                        const struct mqttrs_message *messages,
                        size_t count,
                        int *results);

/**
 * Connects, subscribes, waits for messages, and disconnects.
 *
 * `subscriptions` has `count` of them, at least one, for which one SUBSCRIBE asks. The call ends with
 * message number `wanted`, at least 1. Without `retained_too` those that the server had retained do not
 * count and are left out: those with the retain flag, which with the option Retain As Published (MQTT 5.0 section
 * 3.8.3.1) new ones may have too. A connection that is lost is made and subscribed on again, as for
 * `mqttrs_publish_once`; the server then sends its retained messages anew.
 *
 * `*received` becomes the first message, whose `next` leads to the others in the order in which
 * they came, also where the call ends with MOSQ_ERR_TIMEOUT or another error and fewer came, and NULL
 * where none came. The messages are the program's, which ends them with `mqttrs_received_free`.
 *
 * Blocks, at most for the time in `connection`. Any thread, any callback, which it holds up.
 *
 * Returns MOSQ_ERR_SUCCESS with as many as were `wanted`; the reason code of 128 or more with which the
 * server refused a subscription; MOSQ_ERR_NO_CONN when the program disconnected; for the rest what
 * `mqttrs_publish_once` returns, with `mosquitto_subscribe_v5` in the place of
 * `mosquitto_publish_v5`.
 *
 * The caller promises:
 * `connection` is as for `mqttrs_publish_once`; `subscriptions` is NULL or has `count` subscriptions of
 * one size; `received` is NULL or may be written to.
 */
libmosq_EXPORT
int mqttrs_receive_once(const struct mqttrs_connection *connection,
                        const struct mqttrs_subscription *subscriptions,
                        size_t count,
                        size_t wanted,
                        bool retained_too,
                        struct mqttrs_received **received);

/**
 * Connects, subscribes, and hands each message to `on_message` until that returns `false`; then
 * disconnects.
 *
 * `subscriptions` has `count` of them, at least one, for which one SUBSCRIBE asks. `on_message` gets
 * `userdata`, runs in this thread, and may call anything. The time in `connection` is for the way to
 * the subscriptions, and anew when the connection is lost and made and subscribed on again; in
 * between the call waits for messages without an end. `mosquitto_disconnect` on the client that
 * `prepare` was given ends it too.
 *
 * Any thread, any callback, which it holds up.
 *
 * Returns MOSQ_ERR_SUCCESS when `on_message` or the program has ended it; MOSQ_ERR_INVAL for
 * `on_message` NULL; for the rest what `mqttrs_receive_once` returns.
 *
 * The caller promises:
 * `connection` and `subscriptions` are as for `mqttrs_receive_once`; `on_message` is NULL or a
 * function of this type.
 */
libmosq_EXPORT
int mqttrs_receive_each(const struct mqttrs_connection *connection,
                        const struct mqttrs_subscription *subscriptions,
                        size_t count,
                        MQTTRS_CB_received on_message,
                        void *userdata);

/**
 * Frees what `mqttrs_receive_once` has received: this message and all behind it. NULL is allowed and
 * does nothing. Any thread, any callback.
 *
 * The caller promises:
 * `received` is NULL or came from `mqttrs_receive_once`, and was not freed before.
 */
libmosq_EXPORT
void mqttrs_received_free(struct mqttrs_received *received);

/**
 * Gives outgoing messages topic aliases without the program's doing (MQTT 5.0 section
 * 3.3.2.3.4): the second message to a topic is sent without the topic's name.
 *
 * `value` true switches it on, false (the default) off. It works as far as the server's
 * Topic Alias Maximum goes, the least recently used alias being used again when there are no
 * more, and does nothing below MQTT 5 or for a server that takes no aliases. Messages with
 * a topic alias of the program's own are left as they are.
 *
 * Takes effect with the next message. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_automatic_topic_aliases_set(struct mosquitto *mosq, bool value);

/**
 * Sets how many messages, and how many bytes of them, may wait to be sent or for their
 * acknowledgement, and what happens to one more.
 *
 * `options` is copied; NULL for the defaults: QoS 0 needs a connection, as with libmosquitto, and
 * what waits is bounded only so far that a long outage does not take the machine with it. When
 * messages take about a quarter of its memory, or 1 GiB where that is less, publishing returns
 * MOSQ_ERR_QUOTA_EXCEEDED. Options with both limits 0 lift that too. Those of QoS 1 and 2 count until they are acknowledged, those of QoS 0 until the
 * network has taken them; what waits already stays. A message larger than `max_bytes` is
 * refused, and so is one for which nothing that was never sent can make room: what is in flight
 * is never dropped. Inside callbacks, and on the thread of a shared loop,
 * MQTTRS_OVERFLOW_WAIT does not wait. It waits in vain where nobody else runs the loop. What was
 * dropped is told by the loop too: with an outcome callback, let one run.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a `size` that is smaller than
 * the structure, and an unknown `overflow`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `options` is NULL or has `size` bytes.
 */
libmosq_EXPORT
int mqttrs_queue_set(struct mosquitto *mosq,
                     const struct mqttrs_queue_options *options);

/**
 * Drops all messages that were never sent. What was sent and is not acknowledged stays, as the
 * server may have it.
 *
 * Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_queue_clear(struct mosquitto *mosq);

/**
 * Sets what is called with what became of each message.
 *
 * Set it before anything is published: every message that is accepted from then on has exactly one
 * call. `mid` is what publishing gave, `outcome` an `enum mqttrs_outcome_t`, `reason_code` the
 * server's, 0 where there is none; `props` are those of the acknowledgement, NULL for none, and
 * live until the callback returns. The publish callbacks are called as ever, before this one. A
 * connection that is lost ends no message of QoS 1 or 2: they wait for the next one.
 * `mosquitto_destroy` and `mosquitto_reinitialise` call it, before they return, for messages
 * that are left.
 *
 * Any thread, any callback; NULL removes it.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_outcome` is NULL or a function of this type.
 */
libmosq_EXPORT
int mqttrs_outcome_callback_set(struct mosquitto *mosq,
                                MQTTRS_CB_outcome on_outcome);

/**
 * Waits until every message that was accepted before this call has its outcome and the
 * callbacks were told, at most `timeout_ms` milliseconds; of those accepted meanwhile some may
 * be waited for too.
 *
 * Where nobody runs the client's loop, this call does. Any thread, but not inside a callback of the
 * client, nor on the thread of a shared loop.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_TIMEOUT when messages are left; MOSQ_ERR_NO_CONN when they are and
 * the program has ended the connection, or its loop has given up; MOSQ_ERR_INVAL for `mosq` NULL or
 * destroyed, and in a callback; where this call runs the loop, also what `mosquitto_loop`
 * returns when the connection ends.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mqttrs_drain(struct mosquitto *mosq,
                 unsigned int timeout_ms);

/**
 * Disconnects within `timeout_ms` milliseconds, whatever the network does: waits as
 * `mqttrs_drain` does, sends DISCONNECT, and ends the connection, or the attempt to get one, when
 * the time is over.
 *
 * Messages that are left stay in the queue. Any thread, but not inside a callback of the client,
 * nor on the thread of a shared loop.
 *
 * Returns MOSQ_ERR_SUCCESS when every message had its outcome and DISCONNECT went out;
 * MOSQ_ERR_TIMEOUT when not; MOSQ_ERR_NO_CONN when there was no connection; MOSQ_ERR_INVAL for
 * `mosq` NULL or destroyed, and in a callback.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_disconnect_timeout(struct mosquitto *mosq, unsigned int timeout_ms);

/**
 * Publishes a request, and hands its response to `on_response`.
 *
 * As `mosquitto_publish_v5` of what `request` says; all of it is copied. In MQTT 5 the request has
 * the properties Response Topic and Correlation Data, made by the library (MQTT 5.0 section 4.10).
 * The response topic is `mqttrs/response/` and the client identifier; where the program asked
 * for Response Information by CONNECT's Request Response Information, what the server said stands
 * in place of `mqttrs/response`. Below MQTT 5, and with `mqttrs_request_by_topic_set`, topics
 * alone do it: a request to `t` goes to `t/request/ID/N`, and its response comes to
 * `t/response/ID/N`, where ID is the client identifier and N are 16 hexadecimal digits. A client
 * identifier that is missing or does not fit one level of a topic is replaced by random letters.
 *
 * The library subscribes to where responses come, before the request is sent, once on every
 * connection on which there are requests; the subscribe callbacks do not hear of it. Any number of
 * requests may be under way. `on_response` runs once for each, with `userdata`, at the latest
 * `timeout_ms` milliseconds after this call, on the thread that runs the loop: let one run. A
 * connection that is lost does not end a request that was sent or will be. `mosquitto_destroy` and
 * `mosquitto_reinitialise` end those that are left before they return. Its response does not go to
 * the message callbacks; one that comes too late, twice, or for nothing does. With
 * MQTTRS_ACK_MANUAL the program acknowledges responses as other messages, and so requests.
 *
 * Does not block. Any thread, any callback, `on_response` too.
 *
 * Returns what `mosquitto_publish_v5` returns, and then `on_response` does not run, but for
 * MOSQ_ERR_SUCCESS; with a full queue MOSQ_ERR_QUOTA_EXCEEDED, without waiting; MOSQ_ERR_INVAL for
 * `request` NULL or its `size` too small, and for `on_response` NULL; MOSQ_ERR_DUPLICATE_PROPERTY for a
 * property that is the library's to make.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `request` is NULL or valid with all it points to;
 * `on_response` is NULL or a function of this type.
 */
libmosq_EXPORT
int mqttrs_request(struct mosquitto *mosq,
                   const struct mqttrs_message *request,
                   unsigned int timeout_ms,
                   MQTTRS_CB_response on_response,
                   void *userdata);

/**
 * Publishes a request and waits for its response, at most `timeout_ms` milliseconds.
 *
 * The request as for `mqttrs_request`. With success `*response` is the response, which the program
 * frees with `mosquitto_message_free`, and `*props`, where `props` is not NULL, its properties,
 * NULL for none, which it frees with `mosquitto_property_free_all`; otherwise both are NULL. Where nobody runs the
 * client's loop, this call does. Any thread, but not inside a callback of the client, nor on the
 * thread of a shared loop.
 *
 * Returns MOSQ_ERR_SUCCESS with a response; MOSQ_ERR_INVAL for `response` NULL and in a callback, and then
 * nothing was sent; what `mqttrs_request` returns, and what its callback gets; MOSQ_ERR_NOMEM where
 * there is no memory for the response; where this call runs the loop, also what `mosquitto_loop`
 * returns when the connection ends or there is none. A request of QoS 1 or 2 that was not sent until
 * then waits for the next connection all the same, and nobody for its response.
 *
 * The caller promises:
 * As `mqttrs_request`; `response` and `props` are NULL or may be written to.
 */
libmosq_EXPORT
int mqttrs_request_wait(struct mosquitto *mosq,
                        const struct mqttrs_message *request,
                        unsigned int timeout_ms,
                        struct mosquitto_message **response,
                        mosquitto_property **props);

/**
 * Whether requests are made by topics alone in MQTT 5 too, as below it: for who answers them and
 * speaks MQTT 3.1.1.
 *
 * `value` true switches it on, false (the default) off; see `mqttrs_request`. Requests under way
 * stay as they are. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_request_by_topic_set(struct mosquitto *mosq, bool value);

/**
 * Answers requests to a topic.
 *
 * Subscribes to `topic`, a topic filter, and to the requests by topics alone that go with it,
 * `topic/request/+/+`, with `qos`, 0, 1 or 2, now and on every connection to come; the subscribe
 * callbacks do not hear of it, and the log has a line where the server refuses. From now on
 * `on_request`, with `userdata`, gets the messages that match either, whether they ask for a
 * response or not, and the message callbacks do not; where several functions are set, the first
 * one that matches. It answers with `mqttrs_respond`. With `$share/NAME/topic` clients of one NAME
 * share the requests (MQTT 5.0 section 4.8.2). Messages that the server has retained are no
 * requests; in MQTT 5 it is told not to send them.
 *
 * Once more for the same `topic` replaces function, user data and `qos`; `on_request` NULL ends it and
 * unsubscribes. A callback that another thread is in goes on. `mosquitto_reinitialise` ends all.
 *
 * Does not block, and works without a connection. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS, also where there was nothing to end; MOSQ_ERR_INVAL for `mosq` NULL or
 * destroyed, a `topic` that is no topic filter, and `qos` out of range; MOSQ_ERR_MALFORMED_UTF8;
 * MOSQ_ERR_OVERSIZE_PACKET; MOSQ_ERR_NOMEM when all message identifiers are in use.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `topic` is NULL or a C string; `on_request` is NULL
 * or a function of this type.
 */
libmosq_EXPORT
int mqttrs_serve(struct mosquitto *mosq,
                 const char *topic,
                 int qos,
                 MQTTRS_CB_request on_request,
                 void *userdata);

/**
 * Publishes the response to a request, in the way in which the request came: to its Response Topic
 * and with its Correlation Data (MQTT 5.0 section 4.10), or to the topic that goes with its topic,
 * see `mqttrs_request`.
 *
 * `request` and `request_props` are what the callback of `mqttrs_serve`, or a message callback, got,
 * or copies of them; `request_props` is NULL for none. `payload` has `payloadlen` bytes, at most
 * 268,435,455, and may be NULL where that is 0. `qos` is 0, 1 or 2. `props` are properties of the
 * response besides, NULL for none. All is copied.
 *
 * Does not block. Any thread, any callback; also later than in the callback that got the request.
 *
 * Returns what `mosquitto_publish_v5` returns; MOSQ_ERR_INVAL for `request` NULL and for a message
 * that asks for no response, which may come where requests do.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `request` is NULL or a message, `request_props` and
 * `props` are NULL or valid lists; `payload` is NULL or has `payloadlen` bytes.
 */
libmosq_EXPORT
int mqttrs_respond(struct mosquitto *mosq,
                   const struct mosquitto_message *request,
                   const mosquitto_property *request_props,
                   const void *payload,
                   size_t payloadlen,
                   int qos,
                   const mosquitto_property *props);

/**
 * Fills `stats` with what the client has counted since it was made or reinitialised.
 *
 * The program sets the member `size` to `sizeof(struct mqttrs_stats)` before; nothing else
 * has to be set. A program that was compiled with an older, shorter structure gets its members;
 * one that was compiled with a newer one gets 0 in those this library does not know.
 * `stats` is not kept. The numbers belong to one moment, and asking for them does not depend on
 * how many messages wait. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `stats` NULL, or a
 * `size` that no version of the structure has had.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `stats` is NULL or has `size` bytes.
 */
libmosq_EXPORT int mqttrs_stats(struct mosquitto *mosq, struct mqttrs_stats *stats);

/**
 * Keeps the session of a client in a folder, so that it survives the process: outgoing
 * messages of QoS 1 and 2, how far each has come, their packet identifiers and their order; and
 * which received messages of QoS 2 the server has not released. What an earlier process has
 * left there is taken up again: it is sent, or sent again, with the next connection.
 *
 * From now on a publish call with QoS 1 or 2 succeeds only when its message is stored. It returns
 * MOSQ_ERR_ERRNO for one that is not, with the system's reason in `errno` (ENOSPC for a full disk or
 * when `maximum_bytes` is reached); that message was not accepted, those before it stay, and later
 * ones are accepted as soon as there is room again. Where a state change cannot be stored the
 * connection ends with MOSQ_ERR_ERRNO, and the messages wait for the next one. After a failure to
 * synchronise nothing more is accepted until the folder is opened by another client. A program with a limit
 * for the size of files (RLIMIT_FSIZE) ignores SIGXFSZ, which would end it. See docs/store.md
 * for what each setting promises.
 *
 * `folder` is copied; it is made, with one level, where it is missing, and belongs to this client
 * alone until `mosquitto_destroy` or `mosquitto_reinitialise`: each client of a process has a
 * folder of its own. The next one may open it with other options. A child made by `fork` has no part
 * in it and may open it when the parent has let go. `options` stays the program's and is not kept;
 * NULL takes the defaults. The client needs `clean_session` false and, to keep properties, its
 * protocol version set before; the call comes before connecting and before publishing. Any
 * thread, any callback; it reads the folder before it returns. Publish calls of any thread write
 * to the folder themselves; MQTTRS_STORE_SYNC_GROUPS begins one thread, which ends with the client.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `folder` NULL, options
 * out of range, a call that comes too late, a client with `clean_session`, and for a folder with the
 * session of another client identifier, that is damaged or of an unknown version; MOSQ_ERR_ERRNO
 * with `errno` where the system refuses, EWOULDBLOCK for a folder that another client has, of this
 * process or another; afterwards the client is as before;
 * MOSQ_ERR_NOT_SUPPORTED in a build without it. `mqttrs_last_error` has the words.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `folder` is NULL or a C string; `options` is NULL or
 * has as many bytes as its `size` says.
 */
libmosq_EXPORT
int mqttrs_store_open(struct mosquitto *mosq,
                      const char *folder,
                      const struct mqttrs_store_options *options);

/**
 * Limits how fast messages are sent: those to the topics that `filter`, a topic filter in UTF-8,
 * matches, or with `filter` NULL all of the client.
 *
 * Both arguments are copied. A filter that has a limit gets the new one, with a full bucket;
 * `throttle` NULL, or one with both rates 0, takes the limit away, and what waited for it goes on
 * at once.
 *
 * Messages of every QoS wait in order. With a limit for a filter only those that it matches do;
 * others pass them by, and the messages of one topic never change places. A message that several
 * filters match takes from the limits of all, and waits in the place of the one that was set
 * first; if it is beyond several limits, it is refused if one of them says so, or else dropped if
 * one does. Each message is compared with each filter, so they should not be many. The limit for
 * all counts what is sent again after a reconnect too. While there is no connection a message waits
 * for that, not for a limit: none is refused or dropped because of one, except that
 * MQTTRS_EXCESS_DROP_OLDEST keeps no more than the newest then too. Messages of QoS 0 are refused
 * with MOSQ_ERR_NO_CONN then, unless `mqttrs_queue_set` lets them wait.
 *
 * No timer runs while nothing waits. Who runs the client's loop sends what waits, when it is
 * time; a wake-up that comes late by up to a tenth of a second is made up for. A loop of the
 * program's own calls `mosquitto_loop_misc` then: `mqttrs_misc_timeout` says when.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a `filter` that is none, a
 * `size` that is smaller than the structure, a rate that is negative or no number, and an unknown
 * `excess`; MOSQ_ERR_MALFORMED_UTF8.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `filter` is NULL or a C string; `throttle` is NULL
 * or has `size` bytes.
 */
libmosq_EXPORT
int mqttrs_throttle_set(struct mosquitto *mosq,
                        const char *filter,
                        const struct mqttrs_throttle *throttle);

/**
 * Limits how fast received messages come to the program.
 *
 * With MQTTRS_EXCESS_WAIT nothing more is taken in until it may be: TCP and, for QoS 1 and 2, the
 * Receive Maximum hold the server back. Everything else that comes, acknowledgements and the end of
 * the connection too, waits behind. With MQTTRS_EXCESS_DROP, messages of QoS 0 beyond the limit
 * are dropped and counted (`received_dropped` of `mqttrs_stats`), and those of QoS 1 and 2 wait. The
 * keep alive does not give up a server because its answer waits. `throttle` is copied; NULL, or one
 * with both rates 0, takes the limit away.
 *
 * A program with a loop of its own polls the descriptor for reading only while `mqttrs_want_read`
 * says so, and calls `mosquitto_loop_misc` when `mqttrs_misc_timeout` is over.
 *
 * Any thread, any callback. It concerns the messages that are not with the program yet.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a `size` that is smaller
 * than the structure, a rate that is negative or no number, and another `excess`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `throttle` is NULL or has `size` bytes.
 */
libmosq_EXPORT
int mqttrs_receive_throttle_set(struct mosquitto *mosq,
                                const struct mqttrs_throttle *throttle);

/**
 * Whether a loop of the program's own should look whether the descriptor of `mosquitto_socket` is
 * readable: there is a connection, or an attempt to get one, and no limit of
 * `mqttrs_receive_throttle_set` holds back what comes.
 *
 * Without such a limit that is always so while there is a descriptor. Who polls all the same while
 * it is held back only finds the descriptor readable again and again. When it is true again the
 * program calls `mosquitto_loop_misc` first, since what was read before may wait inside.
 *
 * Any thread, any callback. Returns false for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT bool mqttrs_want_read(const struct mosquitto *mosq);

/**
 * The time until `mosquitto_loop_misc` has something to do, in milliseconds, rounded up: send what
 * waits for a limit of speed, take in what does, keep the connection alive. For loops of
 * the program's own, which may then sleep that long.
 *
 * Any call for the client, and what comes from the network, may change it.
 *
 * Any thread, any callback. Returns 0 where it is time, and -1 where there is nothing to wait for, or
 * for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mqttrs_misc_timeout(const struct mosquitto *mosq);

/**
 * Makes the client use TLS from the next connect on, and trust these certificates, beside
 * those of `mosquitto_tls_set` and MOSQ_OPT_TLS_USE_OS_CERTS.
 *
 * `data` has `size` bytes: certificates in PEM, or one in DER. They are copied, and replace
 * those of an earlier call; NULL with size 0 takes them back, and leaves TLS on.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `data` NULL with a `size`, and
 * data without a certificate. After the last, connecting fails until a call that says whom to trust
 * succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `data` is NULL or has `size` readable bytes.
 */
libmosq_EXPORT
int mqttrs_tls_ca_set(struct mosquitto *mosq,
                      const void *data,
                      size_t size);

/**
 * Makes the client use TLS from the next connect on, and show this certificate to servers that
 * ask for one, in place of any other; whom to trust has to be said as well.
 *
 * `cert` has `cert_size` bytes: the certificate and those between it and its authority, in PEM,
 * or the certificate alone in DER. `key` has `key_size` bytes: the private key, PKCS#8, PKCS#1
 * or SEC1, in PEM or DER. An encrypted one is decrypted during the next connect, with the
 * password of `mqttrs_tls_password_callback_set`. Both are copied; both NULL with size 0 takes
 * them back, and leaves TLS on.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, NULL with a size, one without
 * the other, and data that is no certificate or no key. After the last two, connecting fails until this
 * function or `mosquitto_tls_set` succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `cert` and `key` are NULL or have as many readable
 * bytes as their sizes say.
 */
libmosq_EXPORT
int mqttrs_tls_certificate_set(struct mosquitto *mosq,
                               const void *cert,
                               size_t cert_size,
                               const void *key,
                               size_t key_size);

/**
 * Sets what supplies the password of an encrypted private key, as the last argument of
 * `mosquitto_tls_set` does, which replaces it.
 *
 * The library calls `pw_callback` during a connect: it writes the password into `buf`, of
 * `size` bytes, and returns its length; `rwflag` is 0 and `userdata` the client. NULL for none.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `pw_callback` is NULL or a function of this type.
 */
libmosq_EXPORT
int mqttrs_tls_password_callback_set(struct mosquitto *mosq,
                                     int (*pw_callback)(char *buf,
                                                        int size,
                                                        int rwflag,
                                                        void *userdata));

/**
 * Makes the client use TLS from the next connect on, and refuse certificates that these
 * revocation lists name (RFC 5280 section 5).
 *
 * `data` has `size` bytes: lists in PEM, or one in DER. They are copied, and replace those of an
 * earlier call; NULL with size 0 takes them back, and leaves TLS on. Where there are lists, also
 * from `mqttrs_tls_crl_file_set`, one of them has to be from the issuer of the server's
 * certificate, and none that is needed may be past its date.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `data` NULL with a `size`, and
 * data that is no revocation list. After the last, connecting fails until this function succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `data` is NULL or has `size` readable bytes.
 */
libmosq_EXPORT
int mqttrs_tls_crl_set(struct mosquitto *mosq,
                       const void *data,
                       size_t size);

/**
 * As `mqttrs_tls_crl_set`, with a file, which is read again when it has changed before a
 * connect. It adds to the lists in memory.
 *
 * `path` is copied; NULL takes the file back, and leaves TLS on. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and a file that cannot be
 * opened. After the last, connecting fails until this function succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `path` is NULL or a C string.
 */
libmosq_EXPORT int mqttrs_tls_crl_file_set(struct mosquitto *mosq, const char *path);

/**
 * Writes the secrets of connections to a file, in the NSS key log format, so that whoever has
 * the file can read captured traffic: for debugging only. No environment variable does this.
 *
 * The file at `path` is created if need be, for its owner only, and appended to. The path is
 * copied; NULL, the default, is for none. Takes effect with the next connect. Any thread, any
 * callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and a file that cannot be
 * written to. After the last, connecting with TLS fails until this function succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `path` is NULL or a C string.
 */
libmosq_EXPORT int mqttrs_tls_keylog_set(struct mosquitto *mosq, const char *path);

/**
 * Makes the client use TLS from the next connect on, with servers that have one of these keys
 * and no other, however good their certificates are.
 *
 * `pins` is "sha256//" and the base64 of the SHA-256 of a certificate's SubjectPublicKeyInfo,
 * several of them separated by ";", as curl has it. It is copied; NULL, the default, is for any
 * key, and leaves TLS on. Whom to trust has to be said as well; where the certificate is not
 * checked (`mosquitto_tls_opts_set`), the key still is.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and pins written otherwise.
 * After the last, connecting fails until this function succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `pins` is NULL or a C string.
 */
libmosq_EXPORT
int mqttrs_tls_pins_set(struct mosquitto *mosq,
                        const char *pins);

/**
 * Offers application protocols in TLS (RFC 7301), the preferred one first: several, where
 * MOSQ_OPT_TLS_ALPN sets one; each replaces the other.
 *
 * `names` has `count` strings of 1 to 255 bytes, which are copied; a `count` of 0, the
 * default, is for none, and `names` may be NULL then. A server that knows none of them may
 * refuse the connection. Takes effect with the next connect. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `names` or one of them NULL, and
 * names that are not UTF-8, of other lengths, or more than 4096 bytes together. After the last two,
 * connecting with TLS fails until this function succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `names` is NULL or has `count` C strings or NULLs.
 */
libmosq_EXPORT
int mqttrs_tls_alpn_set(struct mosquitto *mosq,
                        const char *const *names,
                        size_t count);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MQTTRS_H */
