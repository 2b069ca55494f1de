//! The last will, user name and password.
