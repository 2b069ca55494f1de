# frozen_string_literal: true

require "openssl"

# An authority of the tests' own, and what it has signed, as PEM files in a folder.
class Certificates
  def initialize(folder)
    @folder = folder
    @serial = 0
    @key = new_key
    @authority = sign("an authority", @key, ["basicConstraints", "CA:TRUE", true])
    write("ca.crt", @authority)
    issue("server", ["subjectAltName", "DNS:localhost,IP:127.0.0.1"])
    issue("elsewhere", ["subjectAltName", "DNS:elsewhere.example"])
    issue("client", ["extendedKeyUsage", "clientAuth"], password: "geheim")
    stranger = new_key
    write("stranger.crt", sign("a stranger", stranger, ["basicConstraints", "CA:TRUE", true], by: stranger))
  end

  def [](name) = File.join(@folder, name)

  private

  def new_key = OpenSSL::PKey::EC.generate("prime256v1")

  def issue(name, extension, password: nil)
    key = new_key
    write("#{name}.crt", sign(name, key, extension, issuer: @authority))
    write("#{name}.key", key)
    return unless password

    File.write(self["#{name}-encrypted.key"], key.private_to_pem("aes-256-cbc", password))
  end

  def sign(name, key, extension, issuer: nil, by: @key)
    certificate = OpenSSL::X509::Certificate.new
    certificate.version = 2
    certificate.serial = (@serial += 1)
    certificate.subject = OpenSSL::X509::Name.new([["CN", name]])
    certificate.issuer = issuer ? issuer.subject : certificate.subject
    certificate.public_key = key
    certificate.not_before = Time.now - 3600
    certificate.not_after = Time.now + 86_400
    certificate.add_extension(OpenSSL::X509::ExtensionFactory.new.create_extension(*extension))
    certificate.sign(by, "SHA256")
  end

  def write(name, what)
    File.write(self[name], what.is_a?(OpenSSL::PKey::PKey) ? what.private_to_pem : what.to_pem)
    FileUtils.chmod(0o644, self[name])
  end
end
