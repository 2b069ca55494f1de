//! Judging what a program sets, when it sets it.

use super::{key, material};

pub(in super::super) fn certificates(data: &[u8]) -> Result<(), String> {
    material::certificates(data).map(drop)
}

pub(in super::super) fn key(data: &[u8]) -> Result<(), String> {
    key::check(data)
}

pub(in super::super) fn revocation_lists(data: &[u8]) -> Result<(), String> {
    material::revocation_lists(data).map(drop)
}
