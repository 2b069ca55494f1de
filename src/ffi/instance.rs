//! Making and destroying a client.
