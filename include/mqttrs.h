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

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Sets how long an attempt to connect may take: the look-up of the name, the addresses of
 * the server, the proxy, and the handshakes of TLS and WebSocket together. An attempt that
 * takes longer fails, with MOSQ_ERR_EAI while the name was being looked up, otherwise with
 * MOSQ_ERR_ERRNO and `errno` ETIMEDOUT. What comes after CONNECT is the keep alive's to judge.
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
 * so far and for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `buffer` has room for `size` bytes.
 */
libmosq_EXPORT size_t mqttrs_last_error(struct mosquitto *mosq, char *buffer, size_t size);

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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MQTTRS_H */
