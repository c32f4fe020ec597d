//! Addresses of NBD servers.
//!
//! Source: `uri.md` of the NBD project.

use std::path::{Path, PathBuf};

use super::NbdError;

const PORT: u16 = 10809;

/// Where a server listens, and which of its exports is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) place: Place,
    pub(super) export: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Address {
    /// Takes `nbd://HOST[:PORT][/EXPORT]` and `nbd+unix:///[EXPORT]?socket=PATH`; `None` for what is no address but a path.
    pub(crate) fn parse(path: &Path) -> Option<Result<Self, NbdError>> {
        let text = path.to_str()?;
        let (scheme, rest) = text.split_once("://")?;
        let parsed = match scheme {
            "nbd" => tcp(rest),
            "nbd+unix" => unix(rest),
            "nbds" | "nbds+unix" | "nbd+vsock" | "nbds+vsock" => {
                Err("only nbd:// and nbd+unix:// are known")
            }
            _ => return None,
        };
        Some(parsed.map_err(|reason| NbdError::Address { text: text.to_owned(), reason }))
    }

    /// A name for files about it.
    pub(crate) fn file_name(&self) -> String {
        let place = match &self.place {
            Place::Tcp { host, port } => format!("{host}-{port}"),
            Place::Unix(path) => path.display().to_string(),
        };
        let text = format!("nbd-{place}-{}", self.export);
        text.chars().map(|c| if c == '/' || c == '\0' { '-' } else { c }).collect()
    }
}

fn tcp(rest: &str) -> Result<Address, &'static str> {
    let (authority, export) = rest.split_once('/').unwrap_or((rest, ""));
    if rest.contains('?') {
        return Err("nothing may follow the export");
    }
    let bracketed = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or("after ] comes a port")?)),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || host.contains(['@', ':']) && bracketed.is_none() {
        return Err("the host is missing");
    }
    let port = port.map_or(Ok(PORT), str::parse).map_err(|_| "the port is no number")?;
    let place = Place::Tcp { host: host.to_owned(), port };
    Ok(Address { place, export: decoded(export)? })
}

fn unix(rest: &str) -> Result<Address, &'static str> {
    let (export, query) = rest.split_once('?').ok_or("?socket=PATH is missing")?;
    let export = export.strip_prefix('/').ok_or("three slashes come before the export")?;
    let socket = query.strip_prefix("socket=").ok_or("?socket=PATH is missing")?;
    let socket = PathBuf::from(decoded(socket)?);
    if socket.as_os_str().is_empty() {
        return Err("?socket=PATH is missing");
    }
    Ok(Address { place: Place::Unix(socket), export: decoded(export)? })
}

/// Text with `%41` turned into letters.
fn decoded(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "%XX stands for no letter";
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let (high, low) = high.zip(low).ok_or(WRONG)?;
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let tcp = |host: &str, port, export: &str| Address {
            place: Place::Tcp { host: host.into(), port },
            export: export.into(),
        };
        let unix = |path: &str, export: &str| Address {
            place: Place::Unix(path.into()),
            export: export.into(),
        };
        for (text, expected) in [
            ("nbd://localhost", tcp("localhost", 10809, "")),
            ("nbd://10.0.0.1:99/disk%201", tcp("10.0.0.1", 99, "disk 1")),
            ("nbd://[::1]:99/a/b", tcp("::1", 99, "a/b")),
            ("nbd+unix:///?socket=/run/x.sock", unix("/run/x.sock", "")),
            ("nbd+unix:///disk?socket=s%3f", unix("s?", "disk")),
        ] {
            assert_eq!(Address::parse(Path::new(text)).unwrap().unwrap(), expected, "{text}");
        }
        for text in ["disk.vmdk", "/nbd:/x", "http://x", "nbd:x"] {
            assert!(Address::parse(Path::new(text)).is_none(), "{text}");
        }
        for text in [
            "nbd://",
            "nbd://h:99999",
            "nbd://h:x",
            "nbd://::1",
            "nbd://h/x?y",
            "nbd://h/%4",
            "nbd://h/%ff",
            "nbd://[::1]9",
            "nbd+unix://x?socket=y",
            "nbd+unix:///x",
            "nbd+unix:///x?socket=",
            "nbds://h",
        ] {
            assert!(Address::parse(Path::new(text)).unwrap().is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_files_hold_no_separator() {
        let address = Address::parse(Path::new("nbd+unix:///a/b?socket=/run/x")).unwrap().unwrap();
        assert_eq!(address.file_name(), "nbd--run-x-a-b");
    }
}
