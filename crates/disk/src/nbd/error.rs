//! Why an NBD server could not be used.

use std::io;

/// Why an NBD server could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NbdError {
    /// The address is not one.
    #[error("{text:?} is no address of an NBD server: {reason}")]
    Address {
        /// As given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The connection failed or broke.
    #[error("the connection to the NBD server failed")]
    Connection(#[from] io::Error),
    /// The server does not speak the protocol.
    #[error("the NBD server does not keep to the protocol: {what} (found {found:#x})")]
    Protocol {
        /// What was expected.
        what: &'static str,
        /// What came instead.
        found: u64,
    },
    /// The server does not give the export.
    #[error("the NBD server refuses the export (error {code:#x}){}", said(message))]
    Refused {
        /// The protocol's error number.
        code: u32,
        /// What the server says, in ASCII.
        message: String,
    },
    /// It asks for requests that are not made here.
    #[error("the NBD server takes no requests below {bytes} bytes")]
    BlockSize {
        /// The smallest request.
        bytes: u32,
    },
    /// It does not take writes.
    #[error("the NBD server exports it for reading only")]
    ReadOnly,
    /// It cannot make writes durable, so no commit could be made safe.
    #[error("the NBD server cannot flush, so that nothing could be written safely")]
    NoFlush,
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
