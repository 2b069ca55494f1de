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
