//! Characters that a reader cannot see, or that change how others look: whatever shows a text spells them out.
//!
//! By Unicode property, not by example: controls (Cc), formats (Cf), Default_Ignorable_Code_Point, separators other
//! than the space (Zs, Zl, Zp), noncharacters, private use, and a few blanks that have no such property.

/// The ranges beyond ASCII, in their order, as of Unicode 17. New ones are rare: most of plane 14 is in it already.
const UNSEEN: [(char, char); 41] = [
    ('\u{80}', '\u{a0}'),       // controls, no-break space
    ('\u{ad}', '\u{ad}'),       // soft hyphen
    ('\u{34f}', '\u{34f}'),     // combining grapheme joiner
    ('\u{600}', '\u{605}'),     // Arabic signs before numbers
    ('\u{61c}', '\u{61c}'),     // Arabic letter mark
    ('\u{6dd}', '\u{6dd}'),     // Arabic end of ayah
    ('\u{70f}', '\u{70f}'),     // Syriac abbreviation mark
    ('\u{890}', '\u{891}'),     // Arabic marks above
    ('\u{8e2}', '\u{8e2}'),     // Arabic disputed end of ayah
    ('\u{115f}', '\u{1160}'),   // Hangul fillers
    ('\u{1680}', '\u{1680}'),   // Ogham space
    ('\u{17b4}', '\u{17b5}'),   // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),   // Mongolian selectors
    ('\u{2000}', '\u{200f}'),   // spaces, zero widths, joiners, marks of direction
    ('\u{2028}', '\u{202f}'),   // separators, embeddings, narrow space
    ('\u{205f}', '\u{206f}'),   // mathematical space, word joiner, isolates
    ('\u{2800}', '\u{2800}'),   // Braille blank
    ('\u{3000}', '\u{3000}'),   // ideographic space
    ('\u{3164}', '\u{3164}'),   // Hangul filler
    ('\u{e000}', '\u{f8ff}'),   // private use
    ('\u{fdd0}', '\u{fdef}'),   // noncharacters
    ('\u{fe00}', '\u{fe0f}'),   // variation selectors
    ('\u{feff}', '\u{feff}'),   // byte order mark
    ('\u{ffa0}', '\u{ffa0}'),   // half-width Hangul filler
    ('\u{fff0}', '\u{fffc}'),   // annotations, object replacement
    ('\u{fffe}', '\u{ffff}'),   // noncharacters
    ('\u{110bd}', '\u{110bd}'), // Kaithi sign before numbers
    ('\u{110cd}', '\u{110cd}'), // Kaithi sign above numbers
    ('\u{13430}', '\u{1345f}'), // Egyptian formats and blanks
    ('\u{16fe4}', '\u{16fe4}'), // Khitan filler
    ('\u{1bca0}', '\u{1bca3}'), // shorthand formats
    ('\u{1d159}', '\u{1d159}'), // musical null note head
    ('\u{1d173}', '\u{1d17a}'), // musical formats
    ('\u{1fffe}', '\u{1ffff}'), // noncharacters, here and at the end of every plane
    ('\u{2fffe}', '\u{2ffff}'),
    ('\u{3fffe}', '\u{3ffff}'),
    ('\u{4fffe}', '\u{4ffff}'),
    ('\u{5fffe}', '\u{5ffff}'),
    ('\u{6fffe}', '\u{6ffff}'),
    ('\u{7fffe}', '\u{7ffff}'),
    ('\u{8fffe}', '\u{10ffff}'), // the empty planes to 13, tags and selectors (14), private use (15 and 16)
];

/// Reports whether a character by itself can be seen and is what it seems.
fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let after = UNSEEN.partition_point(|(first, _)| *first <= c);
    after > 0 && c <= UNSEEN[after - 1].1
}

/// The characters of a text, each with whether it has to be spelled out.
///
/// Joiners belong to the words of some scripts and to emoji, and selectors to symbols: between characters that are
/// not ASCII they stay. So an id, which is ASCII, has none that is not marked.
pub fn mark_unseen(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut characters = text.chars().peekable();
    // The character that a joiner or selector would belong to.
    let mut base: Option<char> = None;
    std::iter::from_fn(move || {
        let c = characters.next()?;
        let belongs = match c {
            '\u{200c}' | '\u{200d}' => {
                base.is_some() && characters.peek().is_some_and(|next| carries(*next))
            }
            '\u{fe0e}' | '\u{fe0f}' => base.is_some_and(|base| !base.is_alphanumeric()),
            _ => {
                base = Some(c).filter(|c| carries(*c));
                return Some((c, is_unseen(c)));
            }
        };
        if !belongs {
            base = None;
        }
        Some((c, !belongs))
    })
}

fn carries(c: char) -> bool {
    !c.is_ascii() && !is_unseen(c)
}

/// Reports whether everything in a text can be seen.
pub fn is_visible(text: &str) -> bool {
    // Nearly all texts are printing ASCII, which all their bytes are asked for together.
    let printing = |all, byte| all & matches!(byte, b' '..=b'~');
    text.bytes().fold(true, printing) || !mark_unseen(text).any(|(_, unseen)| unseen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(text: &str) -> Vec<char> {
        let found = mark_unseen(text).filter(|(_, unseen)| *unseen);
        found.map(|(c, _)| c).collect()
    }

    #[test]
    fn the_table_is_in_order() {
        let sorted = UNSEEN.windows(2).all(|two| two[0].1 < two[1].0);
        assert!(sorted && UNSEEN.iter().all(|(first, last)| first <= last));
    }

    #[test]
    fn what_nobody_sees_is_marked() {
        for c in "\u{0}\u{7f}\u{85}\u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{1680}\u{17b4}\u{17b5}\u{180b}\u{180e}\
                  \u{2003}\u{200b}\u{200c}\u{200d}\u{200e}\u{2028}\u{202e}\u{202f}\u{2060}\u{2066}\u{2800}\u{3000}\
                  \u{3164}\u{fe00}\u{fe0e}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffe}\u{1d173}\u{1bca0}\u{e0041}\
                  \u{e0100}\u{f0000}\u{10ffff}"
            .chars()
        {
            assert_eq!(unseen(&format!("a{c}b")), [c], "{:x}", u32::from(c));
            assert!(!is_visible(&format!("{c}")));
        }
    }

    #[test]
    fn what_belongs_to_words_and_emoji_stays() {
        for text in [
            "plain ~",
            "ü é e\u{301} ß 日本語 العربية",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "👩\u{200d}👩\u{200d}👧",
            "⚠\u{fe0f} ❤\u{fe0f}\u{200d}🔥",
        ] {
            assert!(is_visible(text), "{text}: {:?}", unseen(text));
        }
        for text in [
            "می\u{200c}",
            "\u{200d}क",
            "می\u{200c}a",
            "⚠\u{200b}\u{fe0f}",
            "日\u{fe0f}",
            "क\u{200d}\u{200d}ष",
        ] {
            assert!(!is_visible(text), "{text}");
        }
    }
}
