//! Pseudo-random numbers and texts: ids, keys and tokens that look random but always follow from a counter.
//!
//! A sandbox must give the same ids in every run, or no test could name them. Nothing here is fit for secrets.

/// Upper-case letters and digits: the symbols of LAC's activation keys.
pub const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Letters of both cases and digits: the symbols of Informatica's ids.
pub const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Returns the number at an index, from 0, of the SplitMix64 sequence with seed 0 (Steele, Lea, Flood 2014).
///
/// Also serves to mix bits: indexes that differ in one bit give numbers that have nothing in common.
pub fn splitmix64(index: u64) -> u64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Derives a text of `length` symbols from a counter; `symbols` must not be empty.
pub fn derive_text(counter: u64, length: usize, symbols: &[u8]) -> String {
    let symbol = |at: u64| {
        let z = splitmix64(counter.wrapping_shl(32).wrapping_add(at));
        // The remainder is below the length of a slice, so it fits.
        char::from(symbols[(z % symbols.len() as u64) as usize])
    };
    (0..length as u64).map(symbol).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_repeatable_and_differ() {
        let all: std::collections::BTreeSet<_> =
            (0..1000).map(|n| derive_text(n, 20, UPPER)).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.contains(&derive_text(7, 20, UPPER)));
        assert_eq!(derive_text(7, 22, ALPHANUMERIC).len(), 22);
    }
}
