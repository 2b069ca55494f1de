//! What the program can set at any time.

use std::time::Instant;

use super::{
    random_seed, Address, Client, Options, ReconnectDelay, ReconnectRules, Server, ServerOrder,
};
#[cfg(not(feature = "websocket"))]
use crate::error::CallerError;
use crate::error::{Error, Result};
use crate::session::{log, LogValue, Logging};

impl Client {
    /// Reads or changes the options.
    pub fn options<R>(&self, change: impl FnOnce(&mut Options) -> R) -> R {
        let mut st = self.lock();
        let result = change(&mut st.options);
        let version = st.options.protocol_version;
        st.session.set_version(version);
        result
    }

    /// Sets the window for our own QoS 1 and 2 messages, 0 for no limit but half of
    /// the packet identifiers; takes effect at once.
    pub fn set_send_maximum(&self, maximum: u16) {
        let mut st = self.lock();
        st.options.send_maximum = maximum;
        st.session.set_send_maximum(maximum, Instant::now());
        self.kick(st);
    }

    /// Whether PUBLISH packets get topic aliases without the program's doing, where an
    /// MQTT 5 server takes them; takes effect at once.
    pub fn set_automatic_topic_aliases(&self, on: bool) {
        self.lock().session.set_automatic_topic_aliases(on);
    }

    /// Whether the next connections begin with a new session.
    pub fn set_clean_session(&self, on: bool) -> Result<()> {
        let mut st = self.lock();
        if on && st.has_store() {
            return Err(Error::invalid("a store is for a session that is kept"));
        }
        st.clean_session = on;
        Ok(())
    }

    /// Whether accepted subscriptions are made again when the server has lost the session.
    pub fn set_resubscribe(&self, on: bool) {
        self.lock().session.set_resubscribe(on);
    }

    /// Sets when to connect again.
    pub fn set_reconnect(&self, delay: ReconnectDelay, rules: ReconnectRules) {
        let mut st = self.lock();
        st.options.reconnect_delay = delay;
        st.lifecycle.set_rules(rules, random_seed());
    }

    /// Sets the servers that [`Server::List`] stands for, each with its priority.
    pub fn set_servers(&self, list: Vec<(Address, i32)>, order: ServerOrder) {
        let mut st = self.lock();
        let listed = matches!(&st.target, Some(target) if target.server == Server::List);
        st.lifecycle.set_servers(list, order, random_seed());
        st.lifecycle.set_listed(listed);
    }

    /// Whether [`Event::Lifecycle`] events are made.
    pub fn observe_lifecycle(&self, on: bool) {
        self.lock().lifecycle.observe(on, random_seed());
    }

    /// Adds a header field to WebSocket upgrade requests.
    pub fn add_http_header(&self, name: &str, value: &str) -> Result<()> {
        #[cfg(feature = "websocket")]
        {
            crate::transport::check_header(name, value)?;
            let field = (name.to_owned(), value.to_owned());
            self.options(|options| options.route_mut().http_headers.push(field));
            Ok(())
        }
        #[cfg(not(feature = "websocket"))]
        {
            let _ = (name, value);
            Err(CallerError::NotSupported("WebSocket, in this build").into())
        }
    }

    /// Which [`Event::Log`] events are made; `wanted` is asked with the mutex held, so that of
    /// two threads that change it the later one has the last word.
    pub fn set_logging(&self, wanted: impl FnOnce() -> Logging) {
        let mut st = self.lock();
        st.logging = wanted();
        drop(self.mind_log_handler(st));
    }

    /// Logs that a setting was refused.
    pub fn log_refusal(&self, error: LogValue<'_>) {
        let mut st = self.lock();
        log!(st.session, SETTING_REFUSED, error);
        self.kick(st);
    }
}
