# frozen_string_literal: true

require "helper"
require "certificates"

# TLS, with a certificate of the client's own.
class TestTls < MqttrsTest
  def self.with_tls
    @with_tls ||= begin
      folder = Dir.mktmpdir("mqttrs-ruby-tls")
      FileUtils.chmod(0o755, folder)
      certificates = Certificates.new(folder)
      @elsewhere = Broker.free_port
      broker = Broker.new(
        lines: ["listener #{@elsewhere} 127.0.0.1", *listener(certificates, "elsewhere")],
        listener: listener(certificates, "server")
      )
      Minitest.after_run do
        broker.stop
        FileUtils.rm_rf(folder)
      end
      [broker, certificates, @elsewhere]
    end
  end

  def self.listener(certificates, name)
    ["cafile #{certificates['ca.crt']}", "certfile #{certificates["#{name}.crt"]}",
     "keyfile #{certificates["#{name}.key"]}", "require_certificate true"]
  end

  def setup
    super
    @broker, @certificates, @elsewhere = self.class.with_tls
  end

  def test_with_files
    talk(ca_file: file("ca.crt"), cert_file: file("client.crt"), key_file: file("client.key"))
  end

  def test_with_certificates_and_key_from_memory
    talk(ca: read("ca.crt"), cert: read("client.crt"), key: read("client.key"))
  end

  def test_with_an_encrypted_key
    files = { ca_file: file("ca.crt"), cert_file: file("client.crt"), key_file: file("client-encrypted.key") }
    talk(**files, key_password: "geheim")
    assert_raises(Mqttrs::ConnectError) { talk(**files, key_password: "falsch") }
    talk(ca: read("ca.crt"), cert: read("client.crt"), key: read("client-encrypted.key"), key_password: "geheim")
  end

  def test_with_a_pinned_key_and_a_version
    key = OpenSSL::X509::Certificate.new(read("server.crt")).public_key
    pin = "sha256//#{[OpenSSL::Digest.digest('SHA256', key.public_to_der)].pack('m0')}"
    mine = { ca: read("ca.crt"), cert: read("client.crt"), key: read("client.key") }
    talk(**mine, pins: pin, version: "tlsv1.3")
    other = "sha256//#{OpenSSL::Digest.base64digest('SHA256', 'another key')}"
    error = assert_raises(Mqttrs::ConnectError) { talk(**mine, pins: other) }
    assert_match(/key/i, error.message)
  end

  def test_a_server_of_a_stranger_is_refused
    error = assert_raises(Mqttrs::ConnectError) do
      talk(ca_file: file("stranger.crt"), cert_file: file("client.crt"), key_file: file("client.key"))
    end
    assert_match(/certificate|issuer|authority/i, error.message)
    assert_equal 8, error.code
    assert_raises(Mqttrs::ConnectError) { talk(cert_file: file("client.crt"), key_file: file("client.key")) }
  end

  def test_a_server_of_another_name_is_refused_unless_the_name_does_not_matter
    mine = { ca: read("ca.crt"), cert: read("client.crt"), key: read("client.key") }
    assert_raises(Mqttrs::ConnectError) { talk(port: @elsewhere, **mine) }
    talk(port: @elsewhere, verify_host: false, **mine)
    talk(port: @elsewhere, cert: mine[:cert], key: mine[:key], verify: false)
  end

  def test_without_a_certificate_of_its_own_a_client_is_refused
    assert_raises(Mqttrs::ConnectError) { talk(ca_file: file("ca.crt")) }
  end

  def test_settings_for_tls_that_cannot_be
    assert_raises(Mqttrs::InvalidError) { client(tls: { ca: "no certificate" }) }
    assert_raises(Mqttrs::InvalidError) { client(tls: { ca: read("ca.crt"), cert: read("client.crt") }) }
    assert_raises(ArgumentError) { client(tls: { no_such_setting: 1 }) }
    assert_raises(Errno::ENOENT) { client(tls: { cert_file: "/no/such/file" }) }
  end

  private

  def file(name) = @certificates[name]

  def read(name) = File.read(file(name))

  def talk(port: @broker.port, **tls)
    Mqttrs.connect(port: port, tls: tls, reconnect: false, timeout: PATIENCE) do |one|
      messages = one.messages
      one.subscribe(@topic, qos: 2)
      assert_predicate one.publish!(@topic, "x" * 50_000, qos: 2), :ok?
      assert_equal 50_000, messages.first.payload.bytesize
    end
  end
end
