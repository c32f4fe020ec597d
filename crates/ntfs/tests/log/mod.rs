//! Logs written record by record for real changes, replayed and compared with the changes.

mod changes;
mod damage;
mod replay;
mod volume_bytes;
mod writer;
