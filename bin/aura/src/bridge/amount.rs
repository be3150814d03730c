//! Amounts as people write them.

use std::time::Duration;

use alloy_primitives::{U256, utils::format_units};

/// Units of ether.
const UNITS: [(&str, u8); 3] = [("ether", 18), ("gwei", 9), ("wei", 0)];

/// Reads an amount of ether: `1ether`, `2.5 gwei`, `1000wei`; without a unit, ether.
pub(super) fn parse_ether(text: &str) -> Result<U256, String> {
    let text = text.trim();
    let unit = UNITS.iter().find_map(|(name, decimals)| {
        let digits = text.strip_suffix(name)?;
        Some((digits.trim_end(), *decimals))
    });
    let (digits, decimals) = unit
        .or_else(|| {
            text.strip_suffix("eth")
                .map(|digits| (digits.trim_end(), 18))
        })
        .unwrap_or((text, 18));
    parse_units(digits, decimals)
}

/// Reads a number with at most `decimals` digits behind the point, exactly.
pub(super) fn parse_units(text: &str, decimals: u8) -> Result<U256, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(format!("`{text}` is no amount"));
    }
    let fraction = fraction.trim_end_matches('0');
    let Some(zeros) = usize::from(decimals).checked_sub(fraction.len()) else {
        return Err(format!("`{text}` has more than {decimals} decimals"));
    };
    let digits = format!("{whole}{fraction}{}", "0".repeat(zeros));
    let digits = if digits.is_empty() { "0" } else { &digits };
    U256::from_str_radix(digits, 10).map_err(|_| format!("`{text}` is too large"))
}

/// The shortest way to write `amount`.
pub(super) fn show_units(amount: U256, decimals: u8) -> String {
    let Ok(text) = format_units(amount, decimals) else {
        return amount.to_string();
    };
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An amount of ether with its unit.
pub(super) fn show_ether(amount: U256) -> String {
    format!("{} ETH", show_units(amount, 18))
}

/// A time in the two units that matter: `6d 3h`, `2m 5s`.
pub(super) fn show_time(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(count, _)| *count > 0);
    let shown = parts.iter().skip(first.unwrap_or(3)).take(2);
    let shown = shown.filter(|(count, unit)| *count > 0 || (*unit == "s" && seconds == 0));
    let shown: Vec<String> = shown
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_amounts_with_and_without_units() {
        let ether = U256::from(10u128.pow(18));
        let cases = [
            ("1ether", ether),
            ("1 ether", ether),
            ("1", ether),
            ("1eth", ether),
            ("0.5", ether / U256::from(2)),
            (".5", ether / U256::from(2)),
            ("2.5gwei", U256::from(2_500_000_000u64)),
            ("7wei", U256::from(7)),
            ("0.000000000000000001", U256::from(1)),
            ("1.50", ether * U256::from(3) / U256::from(2)),
            ("0", U256::ZERO),
        ];
        for (text, amount) in cases {
            assert_eq!(parse_ether(text), Ok(amount), "{text}");
        }
    }

    #[test]
    fn refuses_what_would_lose_something() {
        for text in [
            "",
            ".",
            "-1",
            "1e18",
            "0.5wei",
            "1.0000000000000000001",
            "0x10",
            "1,5",
            "one",
            "1ether ether",
        ] {
            assert!(parse_ether(text).is_err(), "{text}");
        }
        assert!(parse_units("1.234567", 6).is_ok());
        assert!(parse_units("1.2345678", 6).is_err());
        let huge = "9".repeat(70);
        assert!(parse_units(&huge, 18).is_err());
    }

    #[test]
    fn writes_amounts_and_times_shortly() {
        assert_eq!(show_ether(U256::from(10u128.pow(18))), "1 ETH");
        assert_eq!(show_ether(U256::from(15 * 10u128.pow(17))), "1.5 ETH");
        assert_eq!(show_ether(U256::from(1)), "0.000000000000000001 ETH");
        assert_eq!(show_units(U256::from(100), 0), "100");
        let time = |seconds| show_time(Duration::from_secs(seconds));
        assert_eq!(time(0), "0s");
        assert_eq!(time(59), "59s");
        assert_eq!(time(125), "2m 5s");
        assert_eq!(time(3_600), "1h");
        assert_eq!(time(604_800), "7d");
        assert_eq!(time(90_061), "1d 1h");
    }
}
