//! rumqttd with the settings file named on the command line.

fn main() {
    let path = std::env::args().nth(1).expect("a settings file");
    let settings = config::Config::builder()
        .add_source(config::File::with_name(&path))
        .build()
        .expect("readable settings");
    let settings: rumqttd::Config = settings.try_deserialize().expect("rumqttd's settings");
    let mut broker = rumqttd::Broker::new(settings);
    broker.start().expect("rumqttd starts");
}
