//! A client without a store, in a build without the feature.

use super::{Client, Guard, State};
use crate::error::Result;

impl Client {
    /// Does nothing.
    pub(super) fn store_published<'a>(&'a self, st: Guard<'a>) -> Result<Guard<'a>> {
        Ok(st)
    }
}

impl State {
    /// There is none.
    pub(super) fn has_store(&self) -> bool {
        false
    }

    /// Does nothing.
    pub(super) fn store_first(&mut self) -> Result<()> {
        Ok(())
    }

    /// Does nothing.
    pub(super) fn close_store(&mut self) {}

    /// Does nothing.
    pub(super) fn inherit_store(&mut self) {}
}
