/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * @file
 * The interface of libmosquittopp, for programs written for it: the class mosqpp::mosquittopp and
 * the functions beside it, all inline. Such a program is linked to libmqttrs, and must not be
 * linked to libmosquittopp as well, which defines the same names.
 *
 * The functions are those of <mosquitto.h> without the first argument, and that header says what
 * each does, what it returns and from which thread it may be called. C++98 is enough.
 *
 * Different from libmosquittopp:
 * - An exception that leaves one of the on_... functions is caught, and on_error() is called, in
 *   which std::current_exception() (C++11) tells what it was. The connection goes on.
 *   Built with -fno-exceptions there is nothing to catch.
 * - user_data_set() leaves the callbacks alone; with libmosquittopp they crash.
 * - What MQTT 5 needs is there too: the members from will_set_v5() and on_connect_v5() on.
 */

#ifndef MOSQUITTOPP_H
#define MOSQUITTOPP_H

#include <cstdlib>
#include <time.h>

#include <mosquitto.h>

/* Programs may use it; here it says nothing. */
#ifndef mosqpp_EXPORT
#define mosqpp_EXPORT
#endif

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
/* No exception may go on into C. */
#define MOSQPP_GUARD(call, otherwise)                                                              \
    try {                                                                                          \
        call;                                                                                      \
    } catch (...) {                                                                                \
        otherwise;                                                                                 \
    }
#else
#define MOSQPP_GUARD(call, otherwise) call;
#endif
/* Calls one of the functions that programs override. */
#define MOSQPP_CALL(call) MOSQPP_GUARD(static_cast<mosquittopp *>(obj)->call, mosqpp_failed(obj))

/** What libmosquittopp has. */
namespace mosqpp
{

/** A member of mosq_err_t in words; mosquitto_strerror(). */
inline const char *strerror(int mosq_errno)
{
    return mosquitto_strerror(mosq_errno);
}

/** A CONNACK return code in words; mosquitto_connack_string(). */
inline const char *connack_string(int connack_code)
{
    return mosquitto_connack_string(connack_code);
}

/** An MQTT 5 reason code in words; mosquitto_reason_string(). Not in libmosquittopp 2.0. */
inline const char *reason_string(int reason_code)
{
    return mosquitto_reason_string(reason_code);
}

/** Splits a topic into its levels, to be freed by sub_topic_tokens_free(). */
inline int sub_topic_tokenise(const char *subtopic, char ***topics, int *count)
{
    return mosquitto_sub_topic_tokenise(subtopic, topics, count);
}

/** Frees what sub_topic_tokenise() has made. */
inline int sub_topic_tokens_free(char ***topics, int count)
{
    return mosquitto_sub_topic_tokens_free(topics, count);
}

/** The version of libmosquitto whose interface the library has; any pointer may be NULL. */
inline int lib_version(int *major, int *minor, int *revision)
{
    return mosquitto_lib_version(major, minor, revision);
}

/** To be called before everything else, for libmosquitto's sake. */
inline int lib_init()
{
    return mosquitto_lib_init();
}

/** To be called at the end, once for each lib_init(). */
inline int lib_cleanup()
{
    return mosquitto_lib_cleanup();
}

/** Whether a topic filter matches a topic. */
inline int topic_matches_sub(const char *sub, const char *topic, bool *result)
{
    return mosquitto_topic_matches_sub(sub, topic, result);
}

/** Whether `len` bytes are UTF-8 as MQTT wants it. */
inline int validate_utf8(const char *str, int len)
{
    return mosquitto_validate_utf8(str, len);
}

/** Connects, waits for `msg_count` messages, disconnects; mosquitto_subscribe_simple(). */
inline int subscribe_simple(struct mosquitto_message **messages, int msg_count, bool retained,
                            const char *topic, int qos = 0, const char *host = "localhost",
                            int port = 1883, const char *client_id = NULL, int keepalive = 60,
                            bool clean_session = true, const char *username = NULL,
                            const char *password = NULL,
                            const struct libmosquitto_will *will = NULL,
                            const struct libmosquitto_tls *tls = NULL)
{
    return mosquitto_subscribe_simple(messages, msg_count, retained, topic, qos, host, port,
                                      client_id, keepalive, clean_session, username, password, will,
                                      tls);
}

/**
 * Connects and hands messages to `callback` until that returns something other than 0;
 * mosquitto_subscribe_callback(). Retained messages come too, whatever `retained` says, as with
 * libmosquittopp. The callback is called by C code: no exception may leave it.
 */
inline int
subscribe_callback(int (*callback)(struct mosquitto *, void *, const struct mosquitto_message *),
                   void *userdata, const char *topic, int qos = 0, bool /*retained*/ = true,
                   const char *host = "localhost", int port = 1883, const char *client_id = NULL,
                   int keepalive = 60, bool clean_session = true, const char *username = NULL,
                   const char *password = NULL, const struct libmosquitto_will *will = NULL,
                   const struct libmosquitto_tls *tls = NULL)
{
    return mosquitto_subscribe_callback(callback, userdata, topic, qos, host, port, client_id,
                                        keepalive, clean_session, username, password, will, tls);
}

/**
 * A client: derive from it, and override the on_... functions that matter.
 *
 * Every member may be called from any thread and in any callback. The callbacks of one client run
 * one at a time, on the thread that runs its loop. Where that is a thread of loop_start(), the
 * derived class stops it in its own destructor (`disconnect(); loop_stop();`), since its overridden
 * functions are gone when that of this class runs.
 */
class mosquittopp
{
private:
    struct mosquitto *m_mosq;
    void *m_userdata;

    /* The handle is one client's own. */
    mosquittopp(const mosquittopp &);
    mosquittopp &operator=(const mosquittopp &);

public:
    /** Makes a client; where that fails (see mosquitto_new()) its functions return
     *  MOSQ_ERR_INVAL. */
    mosquittopp(const char *id = NULL, bool clean_session = true)
        : m_mosq(NULL)
        , m_userdata(NULL)
    {
        m_mosq = mosquitto_new(id, clean_session, this);
        set_callbacks();
    }

    /** Ends the client; a connection that stands is closed without DISCONNECT. */
    virtual ~mosquittopp()
    {
        mosquitto_destroy(m_mosq);
    }

    /** Makes the client anew, as if it had just been constructed. */
    int reinitialise(const char *id, bool clean_session)
    {
        int rc = mosquitto_reinitialise(m_mosq, id, clean_session, this);
        if (rc == MOSQ_ERR_SUCCESS) {
            set_callbacks();
        }
        return rc;
    }

    /** @name Before connecting */
    ///@{
    int will_set(const char *topic, int payloadlen = 0, const void *payload = NULL, int qos = 0,
                 bool retain = false)
    {
        return mosquitto_will_set(m_mosq, topic, payloadlen, payload, qos, retain);
    }
    int will_clear()
    {
        return mosquitto_will_clear(m_mosq);
    }
    int username_pw_set(const char *username, const char *password = NULL)
    {
        return mosquitto_username_pw_set(m_mosq, username, password);
    }
    void reconnect_delay_set(unsigned int reconnect_delay, unsigned int reconnect_delay_max,
                             bool reconnect_exponential_backoff)
    {
        mosquitto_reconnect_delay_set(m_mosq, reconnect_delay, reconnect_delay_max,
                                      reconnect_exponential_backoff);
    }
    int max_inflight_messages_set(unsigned int max_inflight_messages)
    {
        return mosquitto_max_inflight_messages_set(m_mosq, max_inflight_messages);
    }
    void message_retry_set(unsigned int message_retry)
    {
        mosquitto_message_retry_set(m_mosq, message_retry);
    }
    /** Keeps a pointer for user_data(). mosquitto_userdata() gives this object. */
    void user_data_set(void *userdata)
    {
        m_userdata = userdata;
    }
    /** What user_data_set() has set, or NULL. Not in libmosquittopp 2.0. */
    void *user_data() const
    {
        return m_userdata;
    }
    int tls_set(const char *cafile, const char *capath = NULL, const char *certfile = NULL,
                const char *keyfile = NULL,
                int (*pw_callback)(char *buf, int size, int rwflag, void *userdata) = NULL)
    {
        return mosquitto_tls_set(m_mosq, cafile, capath, certfile, keyfile, pw_callback);
    }
    int tls_opts_set(int cert_reqs, const char *tls_version = NULL, const char *ciphers = NULL)
    {
        return mosquitto_tls_opts_set(m_mosq, cert_reqs, tls_version, ciphers);
    }
    int tls_insecure_set(bool value)
    {
        return mosquitto_tls_insecure_set(m_mosq, value);
    }
    int tls_psk_set(const char *psk, const char *identity, const char *ciphers = NULL)
    {
        return mosquitto_tls_psk_set(m_mosq, psk, identity, ciphers);
    }
    int opts_set(enum mosq_opt_t option, void *value)
    {
        return mosquitto_opts_set(m_mosq, option, value);
    }
    int socks5_set(const char *host, int port = 1080, const char *username = NULL,
                   const char *password = NULL)
    {
        return mosquitto_socks5_set(m_mosq, host, port, username, password);
    }
    int threaded_set(bool threaded = true)
    {
        return mosquitto_threaded_set(m_mosq, threaded);
    }
    ///@}

    /** @name Connecting */
    ///@{
    int connect(const char *host, int port = 1883, int keepalive = 60)
    {
        return mosquitto_connect(m_mosq, host, port, keepalive);
    }
    int connect(const char *host, int port, int keepalive, const char *bind_address)
    {
        return mosquitto_connect_bind(m_mosq, host, port, keepalive, bind_address);
    }
    int connect_async(const char *host, int port = 1883, int keepalive = 60)
    {
        return mosquitto_connect_async(m_mosq, host, port, keepalive);
    }
    int connect_async(const char *host, int port, int keepalive, const char *bind_address)
    {
        return mosquitto_connect_bind_async(m_mosq, host, port, keepalive, bind_address);
    }
    int reconnect()
    {
        return mosquitto_reconnect(m_mosq);
    }
    int reconnect_async()
    {
        return mosquitto_reconnect_async(m_mosq);
    }
    int disconnect()
    {
        return mosquitto_disconnect(m_mosq);
    }
    ///@}

    /** @name Messages */
    ///@{
    int publish(int *mid, const char *topic, int payloadlen = 0, const void *payload = NULL,
                int qos = 0, bool retain = false)
    {
        return mosquitto_publish(m_mosq, mid, topic, payloadlen, payload, qos, retain);
    }
    int subscribe(int *mid, const char *sub, int qos = 0)
    {
        return mosquitto_subscribe(m_mosq, mid, sub, qos);
    }
    int unsubscribe(int *mid, const char *sub)
    {
        return mosquitto_unsubscribe(m_mosq, mid, sub);
    }
    ///@}

    /** @name Running the client */
    ///@{
    int loop(int timeout = -1, int max_packets = 1)
    {
        return mosquitto_loop(m_mosq, timeout, max_packets);
    }
    int loop_misc()
    {
        return mosquitto_loop_misc(m_mosq);
    }
    int loop_read(int max_packets = 1)
    {
        return mosquitto_loop_read(m_mosq, max_packets);
    }
    int loop_write(int max_packets = 1)
    {
        return mosquitto_loop_write(m_mosq, max_packets);
    }
    int loop_forever(int timeout = -1, int max_packets = 1)
    {
        return mosquitto_loop_forever(m_mosq, timeout, max_packets);
    }
    int loop_start()
    {
        return mosquitto_loop_start(m_mosq);
    }
    int loop_stop(bool force = false)
    {
        return mosquitto_loop_stop(m_mosq, force);
    }
    bool want_write()
    {
        return mosquitto_want_write(m_mosq);
    }
    int socket()
    {
        return mosquitto_socket(m_mosq);
    }
    ///@}

    /** @name Callbacks
     *  To be overridden; these do nothing. */
    ///@{
    virtual void on_connect(int /*rc*/) {}
    virtual void on_connect_with_flags(int /*rc*/, int /*flags*/) {}
    virtual void on_disconnect(int /*rc*/) {}
    virtual void on_publish(int /*mid*/) {}
    virtual void on_message(const struct mosquitto_message * /*message*/) {}
    virtual void on_subscribe(int /*mid*/, int /*qos_count*/, const int * /*granted_qos*/) {}
    virtual void on_unsubscribe(int /*mid*/) {}
    virtual void on_log(int /*level*/, const char * /*str*/) {}
    /** Called when an exception has left another callback; libmosquittopp never calls it. */
    virtual void on_error() {}
    ///@}

    /** @name MQTT 5
     *  Not in libmosquittopp 2.0. Their names and arguments are those of the C functions, without
     *  the client. */
    ///@{
    int int_option(enum mosq_opt_t option, int value)
    {
        return mosquitto_int_option(m_mosq, option, value);
    }
    int string_option(enum mosq_opt_t option, const char *value)
    {
        return mosquitto_string_option(m_mosq, option, value);
    }
    int void_option(enum mosq_opt_t option, void *value)
    {
        return mosquitto_void_option(m_mosq, option, value);
    }
    /** After success the library owns `properties`, as in mosquitto_will_set_v5(). */
    int will_set_v5(const char *topic, int payloadlen = 0, const void *payload = NULL, int qos = 0,
                    bool retain = false, mosquitto_property *properties = NULL)
    {
        return mosquitto_will_set_v5(m_mosq, topic, payloadlen, payload, qos, retain, properties);
    }
    int connect_v5(const char *host, int port = 1883, int keepalive = 60,
                   const char *bind_address = NULL, const mosquitto_property *properties = NULL)
    {
        return mosquitto_connect_bind_v5(m_mosq, host, port, keepalive, bind_address, properties);
    }
    int disconnect_v5(int reason_code, const mosquitto_property *properties = NULL)
    {
        return mosquitto_disconnect_v5(m_mosq, reason_code, properties);
    }
    int publish_v5(int *mid, const char *topic, int payloadlen = 0, const void *payload = NULL,
                   int qos = 0, bool retain = false, const mosquitto_property *properties = NULL)
    {
        return mosquitto_publish_v5(m_mosq, mid, topic, payloadlen, payload, qos, retain,
                                    properties);
    }
    int subscribe_v5(int *mid, const char *sub, int qos = 0, int options = 0,
                     const mosquitto_property *properties = NULL)
    {
        return mosquitto_subscribe_v5(m_mosq, mid, sub, qos, options, properties);
    }
    int subscribe_multiple(int *mid, int sub_count, char *const *sub, int qos = 0, int options = 0,
                           const mosquitto_property *properties = NULL)
    {
        return mosquitto_subscribe_multiple(m_mosq, mid, sub_count, sub, qos, options, properties);
    }
    int unsubscribe_v5(int *mid, const char *sub, const mosquitto_property *properties = NULL)
    {
        return mosquitto_unsubscribe_v5(m_mosq, mid, sub, properties);
    }
    int unsubscribe_multiple(int *mid, int sub_count, char *const *sub,
                             const mosquitto_property *properties = NULL)
    {
        return mosquitto_unsubscribe_multiple(m_mosq, mid, sub_count, sub, properties);
    }
    int ext_auth_continue(const char *auth_method, uint16_t auth_data_len = 0,
                          const void *auth_data = NULL, const mosquitto_property *properties = NULL)
    {
        return mosquitto_ext_auth_continue(m_mosq, auth_method, auth_data_len, auth_data,
                                           properties);
    }
    /** For the functions of <mosquitto.h> and <mqttrs.h>; it belongs to this object. */
    struct mosquitto *native_handle() const
    {
        return m_mosq;
    }

    /* Where the plain callback has a _v5 as well, both are called. */
    virtual void on_pre_connect() {}
    virtual void on_connect_v5(int /*rc*/, int /*flags*/, const mosquitto_property * /*props*/) {}
    virtual void on_disconnect_v5(int /*rc*/, const mosquitto_property * /*props*/) {}
    virtual void on_publish_v5(int /*mid*/, int /*reason_code*/,
                               const mosquitto_property * /*props*/)
    {
    }
    virtual void on_message_v5(const struct mosquitto_message * /*message*/,
                               const mosquitto_property * /*props*/)
    {
    }
    virtual void on_subscribe_v5(int /*mid*/, int /*qos_count*/, const int * /*granted_qos*/,
                                 const mosquitto_property * /*props*/)
    {
    }
    virtual void on_unsubscribe_v5(int /*mid*/, const mosquitto_property * /*props*/) {}
    /** Answered by ext_auth_continue(); another result than MOSQ_ERR_SUCCESS ends the attempt. */
    virtual int on_ext_auth(const char * /*auth_method*/, uint16_t /*auth_data_len*/,
                            const void * /*auth_data*/, const mosquitto_property * /*props*/)
    {
        return MOSQ_ERR_NOT_SUPPORTED;
    }
    ///@}

private:
    /* Called inside the catch block, so that on_error can see the exception. */
    static void mosqpp_failed(void *obj)
    {
        MOSQPP_GUARD(static_cast<mosquittopp *>(obj)->on_error(), (void)0)
    }

    /* What the library calls. `obj` is the object, unless somebody calls mosquitto_user_data_set()
     * behind its back. */
    static void mosqpp_pre_connect(struct mosquitto *, void *obj)
    {
        MOSQPP_CALL(on_pre_connect())
    }
    static void mosqpp_connect(struct mosquitto *, void *obj, int rc)
    {
        MOSQPP_CALL(on_connect(rc))
    }
    static void mosqpp_connect_with_flags(struct mosquitto *, void *obj, int rc, int flags)
    {
        MOSQPP_CALL(on_connect_with_flags(rc, flags))
    }
    static void mosqpp_connect_v5(struct mosquitto *, void *obj, int rc, int flags,
                                  const mosquitto_property *props)
    {
        MOSQPP_CALL(on_connect_v5(rc, flags, props))
    }
    static void mosqpp_disconnect(struct mosquitto *, void *obj, int rc)
    {
        MOSQPP_CALL(on_disconnect(rc))
    }
    static void mosqpp_disconnect_v5(struct mosquitto *, void *obj, int rc,
                                     const mosquitto_property *props)
    {
        MOSQPP_CALL(on_disconnect_v5(rc, props))
    }
    static void mosqpp_publish(struct mosquitto *, void *obj, int mid)
    {
        MOSQPP_CALL(on_publish(mid))
    }
    static void mosqpp_publish_v5(struct mosquitto *, void *obj, int mid, int code,
                                  const mosquitto_property *props)
    {
        MOSQPP_CALL(on_publish_v5(mid, code, props))
    }
    static void mosqpp_message(struct mosquitto *, void *obj,
                               const struct mosquitto_message *message)
    {
        MOSQPP_CALL(on_message(message))
    }
    static void mosqpp_message_v5(struct mosquitto *, void *obj,
                                  const struct mosquitto_message *message,
                                  const mosquitto_property *props)
    {
        MOSQPP_CALL(on_message_v5(message, props))
    }
    static void mosqpp_subscribe(struct mosquitto *, void *obj, int mid, int count,
                                 const int *granted)
    {
        MOSQPP_CALL(on_subscribe(mid, count, granted))
    }
    static void mosqpp_subscribe_v5(struct mosquitto *, void *obj, int mid, int count,
                                    const int *granted, const mosquitto_property *props)
    {
        MOSQPP_CALL(on_subscribe_v5(mid, count, granted, props))
    }
    static void mosqpp_unsubscribe(struct mosquitto *, void *obj, int mid)
    {
        MOSQPP_CALL(on_unsubscribe(mid))
    }
    static void mosqpp_unsubscribe_v5(struct mosquitto *, void *obj, int mid,
                                      const mosquitto_property *props)
    {
        MOSQPP_CALL(on_unsubscribe_v5(mid, props))
    }
    static void mosqpp_log(struct mosquitto *, void *obj, int level, const char *str)
    {
        MOSQPP_CALL(on_log(level, str))
    }
    static int mosqpp_ext_auth(struct mosquitto *, void *obj, const char *auth_method,
                               uint16_t auth_data_len, const void *auth_data,
                               const mosquitto_property *props)
    {
        int rc = MOSQ_ERR_UNKNOWN;
        mosquittopp *client = static_cast<mosquittopp *>(obj);
        MOSQPP_GUARD(rc = client->on_ext_auth(auth_method, auth_data_len, auth_data, props),
                     mosqpp_failed(obj))
        return rc;
    }

    void set_callbacks()
    {
        mosquitto_pre_connect_callback_set(m_mosq, mosqpp_pre_connect);
        mosquitto_connect_callback_set(m_mosq, mosqpp_connect);
        mosquitto_connect_with_flags_callback_set(m_mosq, mosqpp_connect_with_flags);
        mosquitto_connect_v5_callback_set(m_mosq, mosqpp_connect_v5);
        mosquitto_disconnect_callback_set(m_mosq, mosqpp_disconnect);
        mosquitto_disconnect_v5_callback_set(m_mosq, mosqpp_disconnect_v5);
        mosquitto_publish_callback_set(m_mosq, mosqpp_publish);
        mosquitto_publish_v5_callback_set(m_mosq, mosqpp_publish_v5);
        mosquitto_message_callback_set(m_mosq, mosqpp_message);
        mosquitto_message_v5_callback_set(m_mosq, mosqpp_message_v5);
        mosquitto_subscribe_callback_set(m_mosq, mosqpp_subscribe);
        mosquitto_subscribe_v5_callback_set(m_mosq, mosqpp_subscribe_v5);
        mosquitto_unsubscribe_callback_set(m_mosq, mosqpp_unsubscribe);
        mosquitto_unsubscribe_v5_callback_set(m_mosq, mosqpp_unsubscribe_v5);
        mosquitto_log_callback_set(m_mosq, mosqpp_log);
        mosquitto_ext_auth_callback_set(m_mosq, mosqpp_ext_auth);
    }
};

} // namespace mosqpp

#undef MOSQPP_CALL
#undef MOSQPP_GUARD

#endif /* MOSQUITTOPP_H */
