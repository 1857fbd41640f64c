//! Making and searching text. The standard library's formatting and patterns
//! serve every case and come with all of it, once they are used; what SIP needs
//! is little, and the shipped client is small.

use crate::prelude::*;

/// The parts, one behind the other.
pub(crate) fn concat(parts: &[&str]) -> String {
    let mut size = 0;
    for part in parts {
        size += part.len();
    }
    // A string that grows is a third of the time it takes to make one.
    let mut text = String::with_capacity(size);
    for part in parts {
        text.push_str(part);
    }
    text
}

/// `number` in decimal digits.
pub(crate) fn decimal(mut number: u64) -> String {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    while let Some(digit) = begin.checked_sub(1).and_then(|at| digits.get_mut(at)) {
        *digit = b'0' + (number % 10) as u8;
        begin -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    ascii(digits.get(begin..).unwrap_or_default().to_vec())
}

/// `bytes` in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            let first = if digit < 10 { b'0' } else { b'a' - 10 };
            text.push(first + digit);
        }
    }
    ascii(text)
}

fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// A non-negative number made of decimal digits alone. One too large to hold is
/// as good as the largest: "expires in ten thousand years" need not be an error.
pub(crate) fn number(text: &str) -> Option<u64> {
    digits(text, 10)
}

/// The same of hexadecimal digits.
pub(crate) fn hex_number(text: &str) -> Option<u64> {
    digits(text, 16)
}

fn digits(text: &str, radix: u32) -> Option<u64> {
    let mut number = None;
    for byte in text.bytes() {
        let digit = char::from(byte).to_digit(radix)?;
        let number = number.get_or_insert(0_u64);
        // `saturating_mul` is a product of 128 bits in wasm.
        *number = if *number < u64::MAX / 16 {
            *number * u64::from(radix) + u64::from(digit)
        } else {
            u64::MAX
        };
    }
    number
}

/// Where `byte` first stands. By index: the `next` of an iterator over bytes is a
/// call of its own in a build for size, and most of what reading SIP cost.
pub(crate) fn position(text: &str, byte: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while *bytes.get(at)? != byte {
        at += 1;
    }
    Some(at)
}

/// What follows `byte`, which is ASCII, if that stands first.
pub(crate) fn behind(text: &str, byte: u8) -> Option<&str> {
    if text.as_bytes().first() == Some(&byte) {
        text.get(1..)
    } else {
        None
    }
}

/// What stands before and behind the first `byte`, which is ASCII.
pub(crate) fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = position(text, byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The pieces between the `separator`s, which are ASCII; the whole text if there
/// are none.
pub(crate) fn pieces(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let (piece, behind) = match cut(text, separator) {
            Some((piece, behind)) => (piece, Some(behind)),
            None => (text, None),
        };
        rest = behind;
        Some(piece)
    })
}

/// Where `part`, which is not empty, begins in `text`.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Does `text` contain `part`, which is not empty, in any case?
pub(crate) fn mentions(text: &str, part: &str) -> bool {
    let mut windows = text.as_bytes().windows(part.len());
    windows.any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// The text that stands behind the escapes of a URI's part.
pub(crate) fn unescaped(text: &str) -> String {
    let mut plain = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        match byte {
            b'%' => plain.extend(
                digit()
                    .zip(digit())
                    .map(|(high, low)| (high << 4 | low) as u8),
            ),
            byte => plain.push(byte),
        }
    }
    String::from_utf8(plain).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read() {
        for value in [0, 7, 10, 1_289_690_940, u64::MAX] {
            assert_eq!(decimal(value), value.to_string());
            assert_eq!(number(&decimal(value)), Some(value));
        }
        assert_eq!(number("0068"), Some(68));
        assert_eq!(number(&"9".repeat(30)), Some(u64::MAX));
        assert_eq!(hex_number(&hex(&[0, 0xab, 0x10])), Some(0xab10));
        for bad in ["", "-1", "+1", "1 ", "1.5", "x", "a"] {
            assert_eq!(number(bad), None, "{bad}");
        }
        assert_eq!((hex_number("g"), hex_number("")), (None, None));
    }

    #[test]
    fn text_is_cut_at_single_bytes() {
        assert_eq!(concat(&["a", "", "bc"]), "abc");
        assert_eq!(cut("ä=b=c", b'='), Some(("ä", "b=c")));
        assert_eq!(cut("ab", b'='), None);
        let all = |text| pieces(text, b';').collect::<Vec<_>>();
        assert_eq!(all("a;;ü"), ["a", "", "ü"]);
        assert_eq!((all(""), all(";")), (vec![""], vec!["", ""]));
    }

    #[test]
    fn parts_are_found() {
        assert_eq!(find(b"aab", b"ab"), Some(1));
        assert_eq!(find(b"a", b"ab"), None);
        assert!(mentions("So Too Many contacts", "too many"));
        assert!(!mentions("too", "too many"));
    }
}
