//! FAT's dates and times, which are local time, and FILETIME ticks.
//!
//! A volume does not say its time zone: ticks are taken and given as if local time were UTC.

/// Ticks of 100 ns per second.
const SECOND: u64 = 10_000_000;
const DAY: u64 = 24 * 60 * 60 * SECOND;
/// Days from 1601-01-01 to 1980-01-01.
const DAYS_TO_1980: u64 = 138_426;

/// A point in time as a directory entry holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stamp {
    pub(super) date: u16,
    /// Two-second units.
    pub(super) time: u16,
    /// 10 ms units above `time`, 0 to 199.
    pub(super) fine: u8,
}

impl Stamp {
    /// The stamp of a tick count; the nearest of what FAT can hold (1980 to 2107).
    pub(super) fn from_ticks(ticks: u64) -> Self {
        let first = DAYS_TO_1980 * DAY;
        let Some(ticks) = ticks.checked_sub(first) else {
            return Self { date: 1 << 5 | 1, ..Self::default() };
        };
        let (mut days, ticks) = (ticks / DAY, ticks % DAY);
        let mut year = 1980;
        while days >= year_days(year) {
            days -= year_days(year);
            year += 1;
            if year > 2107 {
                return Self {
                    date: 127 << 9 | 12 << 5 | 31,
                    time: 23 << 11 | 59 << 5 | 29,
                    fine: 199,
                };
            }
        }
        let mut month = 1;
        while days >= month_days(year, month) {
            days -= month_days(year, month);
            month += 1;
        }
        let seconds = ticks / SECOND;
        let time = (seconds / 3600) << 11 | (seconds / 60 % 60) << 5 | (seconds % 60 / 2);
        let fine = seconds % 2 * 100 + ticks % SECOND / (SECOND / 100);
        let date = (year - 1980) << 9 | month << 5 | (days + 1);
        Self { date: date as u16, time: time as u16, fine: fine as u8 }
    }

    /// Ticks of the stamp; 0 for a date that is none.
    pub(super) fn ticks(self) -> u64 {
        let year = u64::from(self.date >> 9) + 1980;
        let month = u64::from(self.date >> 5 & 15);
        let day = u64::from(self.date & 31);
        if !(1..=12).contains(&month) || day == 0 || day > month_days(year, month) {
            return 0;
        }
        let days = (1980..year).map(year_days).sum::<u64>()
            + (1..month).map(|month| month_days(year, month)).sum::<u64>()
            + day
            - 1;
        let (hours, minutes) = (u64::from(self.time >> 11), u64::from(self.time >> 5 & 63));
        let seconds = hours * 3600 + minutes * 60 + u64::from(self.time & 31) * 2;
        (DAYS_TO_1980 + days) * DAY + seconds * SECOND + u64::from(self.fine) * (SECOND / 100)
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn year_days(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}

fn month_days(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_ticks_rounded_to_10_ms() {
        // 2026-11-21 20:02:35.120 UTC.
        let ticks = 134_397_649_551_200_000;
        let stamp = Stamp::from_ticks(ticks);
        assert_eq!(
            (stamp.date, stamp.time, stamp.fine),
            (46 << 9 | 11 << 5 | 21, 20 << 11 | 2 << 5 | 17, 112)
        );
        assert_eq!(stamp.ticks(), ticks);
        assert_eq!(Stamp::from_ticks(0).date, 1 << 5 | 1);
        assert_eq!(Stamp::from_ticks(u64::MAX).date, 127 << 9 | 12 << 5 | 31);
        assert_eq!(Stamp::default().ticks(), 0);
        for days in (DAYS_TO_1980..DAYS_TO_1980 + 128 * 365).step_by(13) {
            let ticks = days * DAY + 86_399 * SECOND;
            assert_eq!(Stamp::from_ticks(ticks).ticks(), ticks);
        }
    }
}
