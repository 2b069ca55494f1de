# frozen_string_literal: true

require_relative "lib/mqttrs/version"

Gem::Specification.new do |gem|
  gem.name = "mqttrs"
  gem.version = Mqttrs::VERSION
  gem.summary = "MQTT 5, 3.1.1 and 3.1 client over libmqttrs"
  gem.description = "A client for MQTT brokers: blocks for handlers, an Enumerator for messages, threads and fibers. " \
                    "It needs the shared library libmqttrs."
  gem.authors = ["The authors of libmqttrs"]
  gem.licenses = ["MIT", "Apache-2.0"]
  gem.required_ruby_version = ">= 3.1"
  gem.files = Dir.chdir(__dir__) { Dir["lib/**/*.rb", "examples/*.rb", "README.md"] }
  gem.require_paths = ["lib"]
  gem.metadata["rubygems_mfa_required"] = "true"
  gem.add_dependency "ffi", "~> 1.15"
end
