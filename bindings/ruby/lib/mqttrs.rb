# frozen_string_literal: true

require_relative "mqttrs/version"
require_relative "mqttrs/native"
require_relative "mqttrs/error"
require_relative "mqttrs/text"
require_relative "mqttrs/properties"
require_relative "mqttrs/message"
require_relative "mqttrs/token"
require_relative "mqttrs/events"
require_relative "mqttrs/callbacks"
require_relative "mqttrs/loop"
require_relative "mqttrs/route"
require_relative "mqttrs/acknowledgements"
require_relative "mqttrs/messages"
require_relative "mqttrs/client"
require_relative "mqttrs/once"

# An MQTT client over libmqttrs. {Client} is where to begin.
module Mqttrs
end
