# frozen_string_literal: true

require "ffi"

module Mqttrs
  # @api private
  # The C library's functions, under their C names. Nothing here waits for the network: where Ruby
  # has to wait, it waits itself, so that other threads and fibers go on meanwhile.
  module Native
    extend FFI::Library

    # Where the library is: what MQTTRS_LIBRARY names, or else an installed one.
    begin
      ffi_lib [ENV.fetch("MQTTRS_LIBRARY", nil), "libmqttrs.so.0", "mqttrs"].compact.reject(&:empty?)
    rescue LoadError => e
      raise LoadError, "libmqttrs is missing: install it or set MQTTRS_LIBRARY to its path; #{e.message.lines[0].chomp}",
            cause: nil
    end

    ERR_QUOTA_EXCEEDED = -6
    ERR_SUCCESS = 0
    ERR_INVAL = 3
    ERR_NO_CONN = 4
    ERR_NOT_FOUND = 6
    ERR_ERRNO = 14

    # Beside their arguments, callbacks get an address or the number that was given as user data,
    # both as integers, which cost no object.
    callback :on_message, %i[ulong ulong pointer ulong], :void
    callback :on_done, %i[ulong ulong pointer], :void
    callback :on_response, %i[ulong ulong int pointer ulong], :void
    callback :on_lifecycle, %i[ulong ulong pointer], :void
    callback :on_connect, %i[ulong ulong int int ulong], :void
    callback :on_disconnect, %i[ulong ulong int ulong], :void
    callback :on_log, %i[ulong ulong pointer], :void
    callback :on_password, %i[pointer int int ulong], :int

    # The client
    attach_function :mosquitto_lib_init, [], :int
    attach_function :mosquitto_lib_version, %i[pointer pointer pointer], :int
    attach_function :mosquitto_new, %i[string bool ulong], :pointer
    attach_function :mosquitto_destroy, %i[pointer], :void
    attach_function :mosquitto_user_data_set, %i[pointer ulong], :void
    attach_function :mosquitto_strerror, %i[int], :string
    attach_function :mosquitto_reason_string, %i[int], :string
    attach_function :mqttrs_last_error, %i[pointer pointer size_t], :size_t
    attach_function :mqttrs_stats, %i[pointer pointer], :int

    # Settings; those that read files let other threads run meanwhile
    attach_function :mosquitto_int_option, %i[pointer int int], :int
    attach_function :mosquitto_string_option, %i[pointer int string], :int
    attach_function :mosquitto_username_pw_set, %i[pointer string string], :int
    attach_function :mosquitto_will_set_v5, %i[pointer string int buffer_in int bool pointer], :int
    attach_function :mosquitto_tls_set, %i[pointer string string string string on_password], :int, blocking: true
    attach_function :mosquitto_tls_insecure_set, %i[pointer bool], :int
    attach_function :mosquitto_tls_opts_set, %i[pointer int string string], :int
    attach_function :mosquitto_socks5_set, %i[pointer string int string string], :int
    attach_function :mqttrs_http_proxy_set, %i[pointer string int string string], :int
    attach_function :mqttrs_tls_ca_set, %i[pointer buffer_in size_t], :int
    attach_function :mqttrs_tls_certificate_set, %i[pointer buffer_in size_t buffer_in size_t], :int
    attach_function :mqttrs_tls_password_callback_set, %i[pointer on_password], :int
    attach_function :mqttrs_tls_crl_set, %i[pointer buffer_in size_t], :int
    attach_function :mqttrs_tls_crl_file_set, %i[pointer string], :int
    attach_function :mqttrs_tls_keylog_set, %i[pointer string], :int
    attach_function :mqttrs_tls_pins_set, %i[pointer string], :int
    attach_function :mqttrs_tls_alpn_set, %i[pointer pointer size_t], :int
    attach_function :mqttrs_websocket_header_add, %i[pointer string string], :int
    attach_function :mqttrs_connect_timeout_set, %i[pointer uint], :int
    attach_function :mqttrs_reconnect_set, %i[pointer pointer], :int
    attach_function :mqttrs_servers_set, %i[pointer pointer size_t int], :int
    attach_function :mqttrs_resubscribe_set, %i[pointer bool], :int
    attach_function :mqttrs_queue_set, %i[pointer pointer], :int
    attach_function :mqttrs_queue_clear, %i[pointer], :int
    attach_function :mqttrs_throttle_set, %i[pointer string pointer], :int
    attach_function :mqttrs_receive_throttle_set, %i[pointer pointer], :int
    attach_function :mqttrs_ack_mode_set, %i[pointer int], :int
    attach_function :mqttrs_ack, %i[pointer int int], :int
    attach_function :mqttrs_automatic_topic_aliases_set, %i[pointer bool], :int
    attach_function :mqttrs_store_open, %i[pointer string pointer], :int, blocking: true

    # Callbacks
    attach_function :mosquitto_message_v5_callback_set, %i[pointer on_message], :void
    attach_function :mosquitto_connect_v5_callback_set, %i[pointer on_connect], :void
    attach_function :mosquitto_disconnect_v5_callback_set, %i[pointer on_disconnect], :void
    attach_function :mqttrs_lifecycle_callback_set, %i[pointer on_lifecycle], :int
    attach_function :mqttrs_log_callback_set, %i[pointer on_log], :int
    attach_function :mqttrs_message_callback_add, %i[pointer string on_message ulong], :int
    attach_function :mqttrs_message_callback_remove, %i[pointer string], :int

    # The connection
    attach_function :mosquitto_connect_bind_async, %i[pointer string int int string], :int, blocking: true
    attach_function :mosquitto_connect_bind_v5, %i[pointer string int int string pointer], :int, blocking: true
    attach_function :mqttrs_connect, %i[pointer int pointer], :int, blocking: true
    attach_function :mqttrs_reconnect_now, %i[pointer uint], :int
    attach_function :mosquitto_disconnect_v5, %i[pointer int pointer], :int
    attach_function :mqttrs_disconnect_timeout, %i[pointer uint], :int, blocking: true

    # Messages. With a store, publishing may wait for the disk: the second form of it.
    attach_function :mqttrs_publish, %i[pointer pointer pointer on_done ulong pointer], :int
    attach_function :mqttrs_publish_stored, :mqttrs_publish, %i[pointer pointer pointer on_done ulong pointer], :int,
                    blocking: true
    attach_function :mqttrs_subscribe, %i[pointer pointer pointer size_t pointer on_done ulong pointer], :int
    attach_function :mqttrs_unsubscribe, %i[pointer pointer pointer size_t pointer on_done ulong pointer], :int
    attach_function :mqttrs_request, %i[pointer pointer uint on_response ulong], :int
    attach_function :mqttrs_request_by_topic_set, %i[pointer bool], :int
    attach_function :mqttrs_serve, %i[pointer string int on_message ulong], :int
    attach_function :mqttrs_respond, %i[pointer pointer pointer buffer_in size_t int pointer], :int
    attach_function :mosquitto_sub_topic_check, %i[string], :int

    # The loop
    attach_function :mqttrs_loop_new, [], :pointer
    attach_function :mqttrs_loop_destroy, %i[pointer], :void
    attach_function :mqttrs_loop_add, %i[pointer pointer], :int
    attach_function :mqttrs_loop_remove, %i[pointer pointer], :int
    attach_function :mqttrs_loop_run_once, %i[pointer int], :int
    attach_function :mqttrs_loop_socket, %i[pointer], :int
    attach_function :mqttrs_loop_timeout, %i[pointer], :int

    # Properties
    attach_function :mosquitto_property_add_byte, %i[pointer int uint8], :int
    attach_function :mosquitto_property_add_int16, %i[pointer int uint16], :int
    attach_function :mosquitto_property_add_int32, %i[pointer int uint32], :int
    attach_function :mosquitto_property_add_varint, %i[pointer int uint32], :int
    attach_function :mosquitto_property_add_binary, %i[pointer int buffer_in uint16], :int
    attach_function :mosquitto_property_add_string, %i[pointer int string], :int
    attach_function :mosquitto_property_add_string_pair, %i[pointer int string string], :int
    attach_function :mosquitto_property_free_all, %i[pointer], :void
    attach_function :mosquitto_property_next, %i[ulong], :ulong
    attach_function :mosquitto_property_identifier, %i[ulong], :int
    attach_function :mosquitto_property_identifier_to_string, %i[int], :string
    attach_function :mosquitto_string_to_property_info, %i[string pointer pointer], :int
    attach_function :mosquitto_property_byte_value, %i[ulong], :uint8
    attach_function :mosquitto_property_int16_value, %i[ulong], :uint16
    attach_function :mosquitto_property_int32_value, %i[ulong], :uint32
    attach_function :mosquitto_property_varint_value, %i[ulong], :uint32
    attach_function :mosquitto_property_binary_value, %i[ulong], :pointer
    attach_function :mosquitto_property_binary_value_length, %i[ulong], :uint16
    attach_function :mosquitto_property_string_value, %i[ulong], :pointer
    attach_function :mosquitto_property_string_value_length, %i[ulong], :uint16
    attach_function :mosquitto_property_string_name, %i[ulong], :pointer
    attach_function :mosquitto_property_string_name_length, %i[ulong], :uint16

    mosquitto_lib_init
  end
end

require_relative "native/structs"
