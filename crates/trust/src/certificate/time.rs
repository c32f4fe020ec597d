//! Moments in certificates.

use std::fmt;

use crate::der::Der;
use crate::error::Error;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A moment in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// The year.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day, from 1.
    pub day: u8,
    /// The hour.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
    /// The second.
    pub second: u8,
}

impl Time {
    pub(crate) fn read(der: &mut Der<'_>) -> Result<Self, Error> {
        let at = der.at() as u64;
        let damaged = |found| Error::Damaged {
            structure: "time",
            at,
            found,
            expected: "YYMMDDhhmmssZ or YYYYMMDDhhmmssZ",
        };
        let element = der.next()?.ok_or_else(|| damaged(0))?;
        let digits = element.content.strip_suffix(b"Z").unwrap_or(&[]);
        let long = match (element.tag, digits.len()) {
            (UTC_TIME, 12) => false,
            (GENERALIZED_TIME, 14) => true,
            _ => return Err(damaged(element.tag.into())),
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(damaged(element.tag.into()));
        }
        let pairs: Vec<u8> =
            digits.chunks(2).map(|pair| (pair[0] - b'0') * 10 + (pair[1] - b'0')).collect();
        let (year, rest) = match (long, &pairs[..]) {
            (true, [century, year, rest @ ..]) => {
                (u16::from(*century) * 100 + u16::from(*year), rest)
            }
            (false, [year, rest @ ..]) => {
                (u16::from(*year) + if *year < 50 { 2000 } else { 1900 }, rest)
            }
            _ => return Err(damaged(0)),
        };
        let &[month, day, hour, minute, second] = rest else { return Err(damaged(0)) };
        if !(1..=12).contains(&month)
            || !(1..=31).contains(&day)
            || hour > 23
            || minute > 59
            || second > 60
        {
            return Err(damaged(month.into()));
        }
        Ok(Self { year, month, day, hour, minute, second })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}
