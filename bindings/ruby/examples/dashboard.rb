#!/usr/bin/env ruby
# frozen_string_literal: true

# A greenhouse: sensors that report, a gardener that is asked for water, and a board that
# shows it all. Run it as
#
#     ruby examples/dashboard.rb [HOST [PORT]]

require "mqttrs"

where = { host: ARGV[0] || "localhost", port: Integer(ARGV[1] || 1883) }

# The gardener answers requests: what the block returns is the response.
gardener = Mqttrs.connect(**where)
gardener.serve("garden/water", qos: 1) do |request|
  litres = Float(request.text)
  litres > 10 ? "too much" : "poured #{litres} l"
end

# The board has a stream of its own for what the sensors say.
board = Mqttrs.connect(**where)
readings = board.messages("garden/+/humidity")
board.subscribe("garden/#", qos: 1)
board.on("garden/+/state") { |message| puts "#{message.topic} is #{message.text}" }

# A sensor that disappears without a word is reported by its last will.
sensor = Mqttrs.connect(**where, will: { topic: "garden/bed1/state", payload: "gone", qos: 1 })
sensor.publish!("garden/bed1/state", "there", qos: 1)
[61, 58, 37].each do |percent|
  sensor.publish("garden/bed1/humidity", percent, qos: 1, user_properties: { "unit" => "%" })
end

readings.first(3).each do |reading|
  puts "#{reading.topic}: #{reading.text} #{reading.user_properties.to_h['unit']}"
  next unless Integer(reading.text) < 40

  puts "water: #{board.request('garden/water', 2.5, qos: 1, timeout: 5).text}"
end

# With reason code 4 the server sends the will though the sensor says goodbye.
gone = board.messages("garden/+/state")
sensor.disconnect(reason_code: 4)
gone.first
[sensor, board, gardener].each(&:close)
