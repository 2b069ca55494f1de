# frozen_string_literal: true

require "helper"

# What the README says, and the example.
class TestReadme < MqttrsTest
  FOLDER = File.expand_path("..", __dir__)
  README = File.read(File.join(FOLDER, "README.md"))

  def test_the_quick_start_prints_what_the_readme_says
    output = printed(README[/```ruby\n(.*?)```/m, 1].gsub('host: "localhost"', "port: #{broker.port}"))
    expected = README[/It prints:\n\n(.*?)\n\n/m, 1].gsub(/^ {4}/, "")
    assert_equal expected.lines.sort.map(&:chomp), output.lines.sort.map(&:chomp)
  end

  def test_the_example_runs
    output = printed("ARGV.replace(['127.0.0.1', '#{broker.port}']); load '#{FOLDER}/examples/dashboard.rb'")
    assert_equal <<~TEXT.lines.sort, output.lines.sort
      garden/bed1/state is there
      garden/bed1/humidity: 61 %
      garden/bed1/humidity: 58 %
      garden/bed1/humidity: 37 %
      water: poured 2.5 l
      garden/bed1/state is gone
    TEXT
  end

  def test_each_method_and_setting_in_the_tables_of_the_readme_exists
    names = README.scan(/`client\.(\w+[!?]?)/).flatten.uniq
    refute_empty names
    assert_empty(names.reject { |name| Mqttrs::Client.method_defined?(name) })
    settings = File.read(File.join(FOLDER, "lib/mqttrs/client/settings.rb"))[/def apply\((.*?)\)$/m, 1].scan(/(\w+):/)
    settings += %w[client_id clean ack logger loop].map { |name| [name] }
    README.scan(/^\|[^|]*\| `(\w+): /).each { |name| assert_includes settings, name }
  end

  def test_the_errors_of_the_readme_are_those_of_the_gem
    listed = README[/^ {4}Mqttrs::Error.*?\n\n/m].scan(/\b(\w+Error)\b/).flatten.uniq
    defined = Mqttrs.constants.grep(/Error\z/).map(&:to_s)
    assert_equal (defined - ["Error"]).sort, (listed - ["Error"]).sort
  end

  def test_the_gem_has_the_version_of_the_library
    header = File.read(File.join(FOLDER, "../../include/mqttrs.h"))
    numbers = %w[MAJOR MINOR REVISION].map { |part| header[/MQTTRS_VERSION_#{part} (\d+)/, 1] }
    assert_equal numbers.join("."), Mqttrs::VERSION
  end

  private

  def printed(program)
    output, status = ruby(program)
    assert_predicate status, :success?, output
    output
  end
end
