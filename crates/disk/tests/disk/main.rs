//! Images made by QEMU's tools, opened, changed and judged by them.

mod opened;
mod tool;
mod variant;

mod corpus;
mod cursor;
mod gate;
mod hostile;
mod journal;
mod large;
mod lock;
mod partition;
mod refcounts;
mod served;
mod transaction;
