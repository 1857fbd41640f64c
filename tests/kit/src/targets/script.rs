//! Inputs of the two machines: steps, each a message or a command in plain text.

/// Stands between the steps.
const SEPARATOR: u8 = 0x1e;
/// Steps that are run: enough for a login and what may follow.
const MAX_STEPS: usize = 100;

/// The steps of `data`; those that are empty are left out.
pub fn steps(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let steps = data.split(|byte| *byte == SEPARATOR);
    steps.filter(|step| !step.is_empty()).take(MAX_STEPS)
}

/// The number at the start of `text`, and what follows it.
pub fn number(text: &[u8]) -> (u64, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = (&text[..digits], &text[digits..]);
    let digit = |number: u64, byte: &u8| {
        let shifted = number.saturating_mul(10);
        shifted.saturating_add(u64::from(byte - b'0'))
    };
    (digits.iter().fold(0, digit), rest)
}

/// A pause of so many milliseconds, and of no more than a month: machines live long,
/// but not for ever.
pub fn pause(text: &[u8]) -> graceline::time::Duration {
    graceline::time::Duration::from_millis(number(text).0.min(30 * 86_400_000))
}

/// `text` with each `{name}` replaced, so that a script can speak of values that
/// only the run decides.
pub fn fill(text: &[u8], values: &[(&str, &str)]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len());
    let mut rest = text;
    'next: while let Some((byte, behind)) = rest.split_first() {
        for (name, value) in values {
            if let Some(behind) = rest.strip_prefix(name.as_bytes()) {
                filled.extend(value.bytes());
                rest = behind;
                continue 'next;
            }
        }
        filled.push(*byte);
        rest = behind;
    }
    filled
}

/// An answer to `request`: `text` is its status line without the version, further
/// headers, and a body.
pub fn answer(request: &graceline::sip::Message, text: &[u8]) -> Vec<u8> {
    use graceline::sip::{Name, Writer};
    let written = Writer::response(request, 200, "OK", Some("remote")).finish();
    let copied = written.unwrap_or_default();
    let head = copied.split(|byte| *byte == b'\n').skip(1);
    let mut answer = [b"SIP/2.0 ", line(text).0, b"\r\n"].concat();
    for line in head {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let name = std::str::from_utf8(name).map_or(Name::Other, Name::from_text);
        if matches!(
            name,
            Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq
        ) {
            answer.extend(line);
            answer.push(b'\n');
        }
    }
    answer.extend(line(text).1);
    if !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        answer.extend(b"\r\n\r\n");
    }
    answer
}

/// The first line of `text`, and the rest behind its end.
pub fn line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.windows(2).position(|pair| pair == b"\r\n") {
        Some(at) => (&text[..at], &text[at + 2..]),
        None => (text, b""),
    }
}
