# frozen_string_literal: true

module Mqttrs
  class Client
    # What can be set when a client is made, by the keywords of {Client#initialize}.
    #
    # - `version` (Integer, String): of MQTT: 5, "3.1.1" or "3.1"
    # - `username` (String, nil)
    # - `password` (String, nil)
    # - `keep_alive` (Integer): seconds, 2 to 65535, or 0
    # - `connect_timeout` (Numeric): how many seconds an attempt to connect may take
    # - `servers` (Array<String, Array(String, Integer)>, nil): several, in place of `host` and `port`
    # - `server_order` (Symbol): `:priority`, as they stand in the list, or `:round_robin`
    # - `tls` (Boolean, Hash, nil): true for TLS that trusts whom the system trusts; see below
    # - `transport` (Symbol): `:tcp` or `:websocket`
    # - `path` (String, nil): of the WebSocket endpoint; "/mqtt" by default
    # - `headers` (Hash): of the request that begins WebSocket
    # - `proxy` (Hash, nil): `type:` (`:socks5` or `:http`), `host:`, `port:`, `username:`, `password:`
    # - `bind_address` (String, nil): the local address
    # - `will` (Hash, nil): the last will: `topic:`, `payload:`, `qos:`, `retain:` and properties
    # - `reconnect` (Hash, false): false for never, or `min:` and `max:` (seconds between attempts), `doubling:`,
    #   `jitter:`, `attempts:` (in a row), `stable:` (seconds that a connection has to stand for delays to begin
    #   anew), `follow_references:`
    # - `resubscribe` (Boolean): whether subscriptions are made again when the server has lost the session
    # - `queue` (Hash, nil): how much may wait to be sent: `max_messages:`, `max_bytes:`, `overflow:` (`:refuse`,
    #   `:wait`, `:drop_oldest`, `:drop_qos0`), `wait:` (seconds), `qos0:` (whether QoS 0 waits for a connection)
    # - `throttle` (Hash, nil): see {Client#throttle}
    # - `receive_throttle` (Hash, nil): see {Client#receive_throttle}
    # - `topic_aliases` (Boolean): whether topics are sent as numbers from their second message on
    # - `receive_maximum` (Integer, nil): how many messages of QoS 1 and 2 may be received and not acknowledged
    # - `send_maximum` (Integer, nil): how many may be sent and not acknowledged
    # - `tcp_nodelay` (Boolean): false has the system hold small packets back, for up to 40 ms, to join them
    # - `requests_by_topic` (Boolean): whether requests do without MQTT 5's properties; see {Client#request}
    # - `store` (String, Hash, nil): a folder that keeps the session, or `folder:`, `durability:` (`:process_crash`,
    #   `:sync_groups`, `:sync_every`), `sync_interval:` (seconds), `maximum_bytes:`
    # - `properties` (Hash): MQTT 5's of CONNECT, `session_expiry_interval: 3600` for instance
    #
    # `tls` may have:
    #
    # - `ca_file` (String, nil): a file of trusted certificates
    # - `ca_path` (String, nil): a folder of such files
    # - `ca` (String, nil): trusted certificates, in PEM
    # - `os_certs` (Boolean): whether those are trusted that the system trusts; by default without the above
    # - `cert_file` (String, nil): a file with the client's certificates
    # - `key_file` (String, nil): a file with its private key
    # - `cert` (String, nil): the client's certificates, in PEM
    # - `key` (String, nil): its private key, in PEM
    # - `key_password` (String, nil): of an encrypted one
    # - `verify` (Boolean): whether the server's certificate is checked
    # - `verify_host` (Boolean): whether it has to be for this host
    # - `version` (String, nil): "tlsv1.2" or "tlsv1.3"
    # - `ciphers` (String, nil): as OpenSSL has them
    # - `alpn` (Array<String>): application protocols to offer
    # - `pins` (String, Array<String>, nil): "sha256//..." of the server's key
    # - `crl` (String, nil): revocation lists, in PEM
    # - `crl_file` (String, nil): the same, as a file
    # - `keylog` (String, nil): a file for the secrets of connections
    module Settings
      VERSIONS = { 3 => 3, 3.1 => 3, 4 => 4, "3.1" => 3, "3.1.1" => 4, 5 => 5, "5" => 5, "5.0" => 5 }.freeze
      OVERFLOW = { refuse: 0, wait: 0, drop_oldest: 2, drop_qos0: 3 }.freeze
      EXCESS = { wait: 0, refuse: 1, drop: 2, drop_oldest: 3 }.freeze
      DURABILITY = { process_crash: 0, sync_groups: 1, sync_every: 2 }.freeze
      ORDER = { priority: 0, round_robin: 1 }.freeze
      # MOSQ_OPT_*
      OPTIONS = {
        protocol_version: 1, receive_maximum: 4, send_maximum: 5, tcp_nodelay: 11, bind_address: 12, os_certs: 13,
        transport: 15, http_path: 16
      }.freeze
      private_constant :VERSIONS, :OVERFLOW, :EXCESS, :DURABILITY, :ORDER, :OPTIONS

      private

      def apply(host:, port:, ack_mode:, clean:, version: 5, username: nil, password: nil, keep_alive: 60,
                connect_timeout: 30, servers: nil, server_order: :priority, tls: nil, transport: :tcp, path: nil,
                headers: {}, proxy: nil, bind_address: nil, will: nil, reconnect: {}, resubscribe: true, queue: nil,
                throttle: nil, receive_throttle: nil, topic_aliases: false, receive_maximum: nil, send_maximum: nil,
                tcp_nodelay: true, requests_by_topic: false, store: nil, **properties)
        option(:protocol_version, choose(VERSIONS, version, "version"))
        option(:receive_maximum, receive_maximum)
        option(:send_maximum, send_maximum)
        option(:tcp_nodelay, 1) if tcp_nodelay
        text_option(:bind_address, bind_address)
        apply_transport(transport, path, headers)
        apply_tls(**(tls == true ? {} : tls)) if tls
        apply_proxy(**proxy) if proxy
        check(Native.mosquitto_username_pw_set(handle, username, password)) if username || password
        check(Native.mqttrs_connect_timeout_set(handle, milliseconds(connect_timeout)))
        @path = host if servers.nil? && host.start_with?("/")
        @default_port = default_port(transport, tls)
        apply_servers(servers || [[host, port]], server_order) unless @path
        apply_reconnect(reconnect)
        check(Native.mqttrs_resubscribe_set(handle, true)) if resubscribe
        apply_queue(**queue) if queue
        self.throttle(**throttle) if throttle
        self.receive_throttle(**receive_throttle) if receive_throttle
        check(Native.mqttrs_automatic_topic_aliases_set(handle, true)) if topic_aliases
        check(Native.mqttrs_request_by_topic_set(handle, true)) if requests_by_topic
        check(Native.mqttrs_ack_mode_set(handle, ack_mode)) unless ack_mode.zero?
        apply_will(**will) if will
        @keep_alive = keep_alive
        @connect_properties = properties
        Properties.lend(properties) { nil }
        apply_store(store, clean) if store
      end

      def option(name, value)
        check(Native.mosquitto_int_option(handle, OPTIONS.fetch(name), value)) if value
      end

      def text_option(name, value)
        check(Native.mosquitto_string_option(handle, OPTIONS.fetch(name), value)) if value
      end

      def choose(table, value, what)
        table.fetch(value) { raise ArgumentError, "#{what} is one of #{table.keys.map(&:inspect).join(', ')}" }
      end

      def milliseconds(seconds) = seconds && (seconds * 1000).round

      def default_port(transport, tls)
        return tls ? 443 : 80 if transport == :websocket

        tls ? 8883 : 1883
      end

      def apply_transport(transport, path, headers)
        option(:transport, choose({ tcp: 1, websocket: 2 }, transport, "transport"))
        text_option(:http_path, path)
        headers.each { |name, value| check(Native.mqttrs_websocket_header_add(handle, name.to_s, value)) }
      end

      def apply_tls(ca_file: nil, ca_path: nil, ca: nil, os_certs: ca_file.nil? && ca_path.nil? && ca.nil?,
                    cert_file: nil, key_file: nil, cert: nil, key: nil, key_password: nil, verify: true,
                    verify_host: true, version: nil, ciphers: nil, alpn: [], pins: nil, crl: nil, crl_file: nil,
                    keylog: nil)
        @key_password = key_password
        on_password = key_password && Callbacks::ON_PASSWORD
        if ca_file || ca_path
          check(Native.mosquitto_tls_set(handle, ca_file, ca_path, cert_file, key_file, on_password))
        elsif cert_file || key_file
          cert = cert_file && File.binread(cert_file)
          key = key_file && File.binread(key_file)
        end
        option(:os_certs, 1) if os_certs
        check(Native.mqttrs_tls_ca_set(handle, ca, ca.bytesize)) if ca
        if cert || key
          check(Native.mqttrs_tls_certificate_set(handle, cert, cert.to_s.bytesize, key, key.to_s.bytesize))
        end
        check(Native.mqttrs_tls_password_callback_set(handle, on_password)) if on_password
        if !verify || version || ciphers
          check(Native.mosquitto_tls_opts_set(handle, verify ? 1 : 0, version, ciphers))
        end
        check(Native.mosquitto_tls_insecure_set(handle, true)) unless verify && verify_host
        apply_tls_extras(Array(alpn), Array(pins), crl, crl_file, keylog)
      end

      def apply_tls_extras(alpn, pins, crl, crl_file, keylog)
        unless alpn.empty?
          names = alpn.map { |name| FFI::MemoryPointer.from_string(name) }
          list = FFI::MemoryPointer.new(:pointer, names.size).write_array_of_pointer(names)
          check(Native.mqttrs_tls_alpn_set(handle, list, names.size))
        end
        check(Native.mqttrs_tls_pins_set(handle, pins.join(";"))) unless pins.empty?
        check(Native.mqttrs_tls_crl_set(handle, crl, crl.bytesize)) if crl
        check(Native.mqttrs_tls_crl_file_set(handle, crl_file)) if crl_file
        check(Native.mqttrs_tls_keylog_set(handle, keylog)) if keylog
      end

      def apply_proxy(type:, host:, port:, username: nil, password: nil)
        set = choose({ socks5: :mosquitto_socks5_set, http: :mqttrs_http_proxy_set }, type, "type of the proxy")
        check(Native.public_send(set, handle, host, port, username, password))
      end

      def apply_servers(servers, order)
        names = []
        list = FFI::MemoryPointer.new(Native::Server.size, servers.size)
        servers.each_with_index do |(host, port), index|
          names << FFI::MemoryPointer.from_string(Text.utf8(host))
          server = Native::Server.new(list + (index * Native::Server.size))
          server[:size] = Native::Server.size
          server[:host] = names.last
          server[:port] = port || @default_port
          server[:priority] = index
        end
        check(Native.mqttrs_servers_set(handle, list, servers.size, choose(ORDER, order, "server_order")))
      end

      def apply_reconnect(options)
        options ||= { off: true }
        check(Native.mqttrs_reconnect_set(handle, reconnect_options(**options)))
      end

      def reconnect_options(min: 1, max: 30, doubling: true, jitter: true, attempts: 0, stable: 0,
                            follow_references: false, off: false)
        Native::ReconnectOptions.new(
          delay_min: milliseconds(min), delay_max: milliseconds([min, max].max), doubling: doubling, jitter: jitter,
          off: off, follow_references: follow_references, stable: milliseconds(stable), attempts: attempts
        )
      end

      def apply_queue(max_messages: 0, max_bytes: 0, overflow: :refuse, wait: nil, qos0: false)
        # Who waits for room waits in Ruby, where other threads and the loop go on meanwhile.
        @queue_wait = overflow == :wait ? [wait] : nil
        options = Native::QueueOptions.new(
          max_messages: max_messages, max_bytes: max_bytes, queue_qos0: qos0,
          overflow: choose(OVERFLOW, overflow, "overflow")
        )
        check(Native.mqttrs_queue_set(handle, options))
      end

      def throttle_options(messages_per_second: 0, bytes_per_second: 0, burst_messages: 0, burst_bytes: 0,
                           excess: :wait)
        Native::Throttle.new(
          messages_per_second: messages_per_second.to_f, bytes_per_second: bytes_per_second.to_f,
          burst_messages: burst_messages, burst_bytes: burst_bytes, excess: choose(EXCESS, excess, "excess")
        )
      end

      def apply_will(topic:, payload: nil, qos: 0, retain: false, **properties)
        payload = Text.payload(payload)
        check(Properties.give(properties) do |list|
          Native.mosquitto_will_set_v5(handle, Text.utf8(topic), payload.bytesize, payload, qos, retain, list)
        end)
      end

      def apply_store(store, clean)
        raise ArgumentError, "a store needs clean: false and a client_id" if clean || @client_id.nil?

        store = { folder: store } unless store.is_a?(Hash)
        options = store_options(**store.reject { |name,| name == :folder })
        check(Native.mqttrs_store_open(handle, store.fetch(:folder).to_s, options))
        @stored = true
      end

      def store_options(durability: :process_crash, sync_interval: nil, maximum_bytes: nil)
        Native::StoreOptions.new(
          durability: choose(DURABILITY, durability, "durability"), sync_interval: milliseconds(sync_interval),
          maximum_bytes: maximum_bytes
        )
      end
    end
  end
end
