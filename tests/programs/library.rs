//! The two libraries that a program is run on.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program gets as `libmosquitto.so.1`.
pub(crate) enum Library {
    /// Debian's, from the folders that the loader knows.
    Debian,
    /// The one in this folder.
    In(PathBuf),
}

impl Library {
    /// Our drop-in, in `$MQTTRS_BUILD_DIR/dropin`, by default `build/dropin`
    /// of this repository.
    ///
    /// With a copy of Debian's own library in that place the whole comparison
    /// runs Debian against Debian, which shows that the cases are stable.
    pub(crate) fn ours() -> Self {
        let build = std::env::var_os("MQTTRS_BUILD_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("build"),
            PathBuf::from,
        );
        let dir = build.join("dropin");
        assert!(
            dir.join("libmosquitto.so.1").exists(),
            "no libmosquitto.so.1 in {}: run `make dropin` first",
            dir.display()
        );
        Self::In(dir.canonicalize().expect("a folder that exists"))
    }

    /// Makes `command` run on this library.
    pub(crate) fn apply(&self, command: &mut Command) {
        match self {
            Self::Debian => command.env_remove("LD_LIBRARY_PATH"),
            Self::In(dir) => command.env("LD_LIBRARY_PATH", dir),
        };
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Debian => "Debian's library",
            Self::In(_) => "ours",
        }
    }
}
