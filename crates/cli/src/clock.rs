//! The only place that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::args::WriteArgs;
use crate::error::{CliError, Result};

/// Seconds from 1601-01-01 to 1970-01-01.
const UNIX_EPOCH_SECONDS: u64 = 11_644_473_600;
const TICKS_PER_SECOND: u64 = 10_000_000;

/// The time to stamp on edits, in 100 ns ticks since 1601-01-01 UTC: `unix_seconds` when given, otherwise now.
pub(crate) fn file_time(unix_seconds: Option<u64>) -> Result<u64> {
    match unix_seconds {
        Some(seconds) => seconds
            .checked_add(UNIX_EPOCH_SECONDS)
            .and_then(|seconds| seconds.checked_mul(TICKS_PER_SECOND))
            .filter(|&ticks| i64::try_from(ticks).is_ok())
            .ok_or_else(|| CliError::usage(format!("--time {seconds} is too far in the future"))),
        None => {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_err(|_| CliError::failed("the clock stands before 1970"))?;
            let ticks = since.as_secs().saturating_mul(TICKS_PER_SECOND);
            Ok(ticks
                + UNIX_EPOCH_SECONDS * TICKS_PER_SECOND
                + u64::from(since.subsec_nanos()) / 100)
        }
    }
}

/// The time to stamp on edits of a loose hive, which is no image.
pub(crate) fn loose_time(write: &WriteArgs) -> Result<u64> {
    if write.overlay.is_some() {
        return Err(CliError::usage("--overlay is for images").hint("keep a copy of the file"));
    }
    if write.report.is_some() {
        return Err(CliError::usage("--report is for images"));
    }
    file_time(write.time)
}

/// A file time as `2024-05-01 13:37:00` UTC; empty for 0, which means never.
pub(crate) fn show(file_time: u64) -> String {
    if file_time == 0 {
        return String::new();
    }
    let seconds = file_time / TICKS_PER_SECOND;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// A file time as RFC 3339, `null` in JSON for 0.
pub(crate) fn rfc3339(file_time: u64) -> Option<String> {
    let text = show(file_time);
    (!text.is_empty()).then(|| format!("{}Z", text.replace(' ', "T")))
}

/// Year, month and day of a day counted from 1601-01-01, which begins a 400-year cycle of the Gregorian calendar.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const YEAR: u64 = 365;
    const FOUR_YEARS: u64 = 4 * YEAR + 1;
    const CENTURY: u64 = 25 * FOUR_YEARS - 1;
    const CYCLE: u64 = 4 * CENTURY + 1;
    let (cycle, day) = (days / CYCLE, days % CYCLE);
    let century = (day / CENTURY).min(3);
    let day = day - century * CENTURY;
    let four = day / FOUR_YEARS;
    let day = day - four * FOUR_YEARS;
    let single = (day / YEAR).min(3);
    let mut day = day - single * YEAR;
    let year = 1601 + 400 * cycle + 100 * century + 4 * four + single;
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_times_show_as_dates() {
        let rows = [
            (1, "1601-01-01 00:00:00"),
            (116_444_736_000_000_000, "1970-01-01 00:00:00"),
            (125_963_423_990_000_000, "2000-02-29 23:59:59"),
            (133_801_632_000_000_000, "2025-01-01 00:00:00"),
            (133_802_495_999_999_999, "2025-01-01 23:59:59"),
            (0, ""),
        ];
        for (ticks, expected) in rows {
            assert_eq!(show(ticks), expected, "{ticks}");
        }
    }

    #[test]
    fn unix_seconds_become_file_times() {
        assert_eq!(file_time(Some(0)).ok(), Some(116_444_736_000_000_000));
        assert!(file_time(Some(u64::MAX)).is_err());
    }
}
