//! Ids, keys and tokens that look random and are not: the same counter always gives the same text.

/// Upper-case letters and digits.
pub const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Letters and digits.
pub const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The number with that place in the sequence of SplitMix64 (Steele, Lea, Flood 2014).
pub fn splitmix64(index: u64) -> u64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `length` of the symbols, scattered from the counter.
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
