/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_OPTIONS_HPP
#define MQTTRS_OPTIONS_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "message.hpp"

MQTTRS_NAMESPACE_BEGIN

/** The version of MQTT that a client speaks. */
enum class protocol {
    v31 = MQTT_PROTOCOL_V31,
    v311 = MQTT_PROTOCOL_V311,
    v5 = MQTT_PROTOCOL_V5,
};

/** What MQTT is sent over, with TLS or without. */
enum class transport {
    tcp = MOSQ_T_TCP,
    websocket = MOSQ_T_WEBSOCKETS,
};

/** Who acknowledges received messages of QoS 1 and 2, and when. */
enum class ack_mode {
    /** The library, as soon as a message has come. */
    automatic = MQTTRS_ACK_AUTOMATIC,
    /** The library, when the handlers have returned. */
    after_handler = MQTTRS_ACK_AFTER_CALLBACK,
    /** The program, by client::ack. */
    manual = MQTTRS_ACK_MANUAL,
};

/** What happens to a message for which there is no room. */
enum class overflow {
    /** Publishing fails with errc::queue_full. */
    refuse = MQTTRS_OVERFLOW_REFUSE,
    /** The thread that publishes waits for room; not in handlers. */
    wait = MQTTRS_OVERFLOW_WAIT,
    drop_oldest = MQTTRS_OVERFLOW_DROP_OLDEST,
    /** The oldest of QoS 0, and where there is none, the oldest. */
    drop_qos_0 = MQTTRS_OVERFLOW_DROP_QOS0,
};

/** What happens to a message beyond a limit of speed. */
enum class excess {
    wait = MQTTRS_EXCESS_WAIT,
    /** Publishing fails with errc::queue_full. */
    refuse = MQTTRS_EXCESS_REFUSE,
    drop = MQTTRS_EXCESS_DROP,
    drop_oldest = MQTTRS_EXCESS_DROP_OLDEST,
};

/** TLS. Whom to trust is what is given here, and without any of it whom the system trusts. */
struct tls_options {
    /** Trusted certificates: a file, a folder, or the PEM itself. */
    std::string ca_file = {};
    std::string ca_path = {};
    std::string ca = {};
    /** Whom the system trusts besides. */
    bool system_certificates = false;
    /** The client's certificate chain and private key: files, or the PEM itself. */
    std::string cert_file = {};
    std::string key_file = {};
    std::string cert = {};
    std::string key = {};
    /** The password of an encrypted private key. */
    std::string key_password = {};
    /** Revocation lists: a file, or the PEM itself. */
    std::string crl_file = {};
    std::string crl = {};
    /** Keys that the server may have, as for mqttrs_tls_pins_set. */
    std::string pins = {};
    /** "tlsv1.2" or "tlsv1.3", and OpenSSL's names of ciphers; empty for the defaults. */
    std::string version = {};
    std::string ciphers = {};
    /** Application protocols to offer. */
    std::vector<std::string> alpn = {};
    /** False: the certificate may be for another host. For tests only. */
    bool verify_host = true;
    /** False: any certificate will do. For tests only. */
    bool verify = true;
};

/** A proxy on the way to the server. */
struct proxy_options {
    enum class kind { socks5, http };
    kind type = kind::socks5;
    std::string host;
    int port = 1080;
    std::string username = {};
    std::string password = {};
};

/** When to connect again. */
struct reconnect_options {
    /** False: never by itself. */
    bool enabled = true;
    /** The first delay, and the longest. */
    std::chrono::milliseconds delay_min = std::chrono::seconds(1);
    std::chrono::milliseconds delay_max = std::chrono::seconds(30);
    /** Each further delay is twice the one before; otherwise it is longer by `delay_min`. */
    bool doubling = true;
    /** Each is by chance between 0 and what it would be. */
    bool jitter = true;
    /** Servers that an MQTT 5 server names are connected to. */
    bool follow_references = false;
    /** How long a connection has to stand for delays and attempts to be counted anew. */
    std::chrono::milliseconds stable = std::chrono::milliseconds(0);
    /** How many attempts may fail in a row; 0 for no limit. */
    unsigned int attempts = 0;
};

/** How much may wait to be sent or for its acknowledgement. */
struct queue_options {
    /** 0 for no limit. */
    std::size_t max_messages = 0;
    std::size_t max_bytes = 0;
    mqttrs::overflow overflow = mqttrs::overflow::refuse;
    /** For overflow::wait. */
    std::chrono::milliseconds wait = std::chrono::seconds(1);
    /** Messages of QoS 0 wait while there is no connection. */
    bool queue_qos_0 = false;
};

/** A limit of speed; see mqttrs_throttle. */
struct throttle_options {
    /** 0 for no such limit. */
    double messages_per_second = 0;
    double bytes_per_second = 0;
    /** How many may go at once after a pause: 0 for 1, and for those of one second. */
    unsigned int burst_messages = 0;
    std::size_t burst_bytes = 0;
    mqttrs::excess excess = mqttrs::excess::wait;
};

/** How a session is kept on the disk. */
struct store_options {
    enum class durability {
        /** It survives the end of the process. */
        process_crash = MQTTRS_STORE_PROCESS_CRASH,
        /** A power failure takes no more than the last `sync_interval`. */
        sync_groups = MQTTRS_STORE_SYNC_GROUPS,
        /** A power failure takes nothing. */
        sync_every = MQTTRS_STORE_SYNC_EVERY,
    };
    durability level = durability::process_crash;
    /** 0 for 100 ms. */
    std::chrono::milliseconds sync_interval = std::chrono::milliseconds(0);
    /** 0 for 1 GiB. */
    std::uint64_t maximum_bytes = 0;
};

/** One of several servers. */
struct server {
    std::string host;
    int port = 1883;
    /** The lower, the sooner it is tried. */
    int priority = 0;
};

/** Which of several servers comes next. */
enum class server_order {
    priority = MQTTRS_SERVERS_PRIORITY,
    round_robin = MQTTRS_SERVERS_ROUND_ROBIN,
};

/** What a client is made with; everything has a default. */
struct client_options {
    /** Empty: the library or the server makes one up, which needs `clean_session`. */
    std::string client_id = {};
    /** False: the server keeps subscriptions and messages while the client is away. */
    bool clean_session = true;
    mqttrs::protocol protocol = mqttrs::protocol::v311;
    /** Empty for none. */
    std::string username = {};
    std::string password = {};
    /** What the server publishes when the connection ends without a DISCONNECT. */
    std::optional<message> will = std::nullopt;
    std::optional<tls_options> tls = std::nullopt;
    mqttrs::transport transport = mqttrs::transport::tcp;
    /** The path of the WebSocket endpoint, "/mqtt" if empty, and headers of its request. */
    std::string websocket_path = {};
    std::vector<std::pair<std::string, std::string>> websocket_headers = {};
    std::optional<proxy_options> proxy = std::nullopt;
    /** The local address to connect from. */
    std::string bind_address = {};
    /** How long an attempt to connect may take; 0 for 30 seconds. */
    std::chrono::milliseconds connect_timeout = std::chrono::milliseconds(0);
    /** Without them a second passes between two attempts. */
    std::optional<reconnect_options> reconnect = std::nullopt;
    /** Subscriptions are made again when the server has lost the session. */
    bool resubscribe = true;
    /** Without them what waits is bounded by the memory of the machine only. */
    std::optional<queue_options> queue = std::nullopt;
    mqttrs::ack_mode ack_mode = mqttrs::ack_mode::automatic;
    /** How many messages of QoS 1 and 2 the server may send ahead of acknowledgements (MQTT 5), and
     *  how many the client does; 0 for the default. */
    std::uint16_t receive_maximum = 0;
    std::uint16_t send_maximum = 0;
    /** MQTT 5: topics are sent once, then numbers for them. */
    bool automatic_topic_aliases = false;
    /** Small packets are not held back by TCP. */
    bool tcp_nodelay = false;
};

/** What a connect call is made with besides host and port. */
struct connect_options {
    /** The longest silence before the client asks whether the server is there; 0 for none. */
    std::chrono::seconds keep_alive = std::chrono::seconds(60);
    /** MQTT 5: those of CONNECT. */
    mqttrs::properties properties = {};
};

/** The numbers of a client; see mqttrs_stats. */
using statistics = struct ::mqttrs_stats;

MQTTRS_NAMESPACE_END

#endif
