//! Logs written record by record for real changes, replayed and compared with the changes.

mod changes;
mod damage;
mod operations;
mod replay;
mod small_volume;
mod transactions;
mod volume_bytes;
mod writer;
