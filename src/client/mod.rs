//! The client: one mutex, the API in Rust, the pump between session and transport.
#![allow(missing_docs, unused_variables)]
mod event;
mod options;
pub use crate::types::LogLevel;
pub use event::{Event, Handler, Message};
pub use options::{Options, ReconnectDelay, Socks5, Target, TlsOptions, TransportKind, WillMessage};
use crate::codec::*;
use crate::error::Result;
use crate::types::*;
use std::os::fd::RawFd;
use std::sync::Arc;
pub struct Client;
pub struct Publication<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    pub qos: QoS,
    pub retain: bool,
    pub properties: Properties<'a>,
}
impl Client {
    pub fn new(client_id: Option<String>, clean_session: bool, handler: Arc<dyn Handler>) -> Arc<Client> { todo!() }
    pub fn reinitialise(&self, client_id: Option<String>, clean_session: bool) -> Result<()> { todo!() }
    pub fn options<R>(&self, f: impl FnOnce(&mut Options) -> R) -> R { todo!() }
    pub fn set_send_maximum(&self, maximum: u16) { todo!() }
    pub fn set_logging(&self, on: bool) { todo!() }
    pub fn connect(&self, target: Target) -> Result<()> { todo!() }
    pub fn connect_async(&self, target: Target) -> Result<()> { todo!() }
    pub fn reconnect(&self) -> Result<()> { todo!() }
    pub fn reconnect_async(&self) -> Result<()> { todo!() }
    pub fn disconnect(&self, reason: ReasonCode, properties: Option<&PropertyBuf>) -> Result<()> { todo!() }
    pub fn publish(&self, message: Publication<'_>, on_id: impl FnOnce(PacketId)) -> Result<PacketId> { todo!() }
    pub fn subscribe(&self, filters: &[(&str, SubscriptionOptions)], properties: Properties<'_>, on_id: impl FnOnce(PacketId)) -> Result<PacketId> { todo!() }
    pub fn unsubscribe(&self, filters: &[&str], properties: Properties<'_>, on_id: impl FnOnce(PacketId)) -> Result<PacketId> { todo!() }
    pub fn authenticate(&self, method: &str, data: Option<&[u8]>, properties: Properties<'_>) -> Result<()> { todo!() }
    pub fn fd(&self) -> Option<RawFd> { todo!() }
    pub fn wants_write(&self) -> bool { todo!() }
    pub fn handle_readable(&self, max_packets: i32) -> Result<()> { todo!() }
    pub fn handle_writable(&self) -> Result<()> { todo!() }
    pub fn handle_timeout(&self) -> Result<()> { todo!() }
    pub fn close(&self) { todo!() }
}
