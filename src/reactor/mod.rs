//! `mio` polling: who calls the pump, and when.
#![allow(missing_docs, unused_variables)]
use crate::client::Client;
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
pub struct Runner;
impl Runner {
    pub fn new(client: Arc<Client>) -> Runner { todo!() }
    pub fn client(&self) -> &Arc<Client> { todo!() }
    pub fn run_once(&self, timeout: Option<Duration>, max_packets: i32) -> Result<()> { todo!() }
    pub fn run_forever(&self, timeout: Option<Duration>, max_packets: i32) -> Result<()> { todo!() }
    pub fn start(&self) -> Result<()> { todo!() }
    pub fn stop(&self, force: bool) -> Result<()> { todo!() }
    pub fn shut_down(&self) { todo!() }
}
