//! Copying and freeing messages.
