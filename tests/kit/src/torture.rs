//! The messages of the RFCs, read from the notation in which the corpus keeps
//! them (RFC 4475 §2).

/// One message of the corpus.
#[derive(Clone)]
pub struct Torture {
    pub name: String,
    /// Where its RFC describes it.
    pub section: String,
    /// As on the wire.
    pub bytes: Vec<u8>,
}

/// RFC 4475, in the order of its sections.
pub fn rfc4475() -> Vec<Torture> {
    read(include_str!("torture/rfc4475.txt"))
}

/// RFC 5118.
pub fn rfc5118() -> Vec<Torture> {
    read(include_str!("torture/rfc5118.txt"))
}

fn read(text: &str) -> Vec<Torture> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let messages = text.split("\n=== ").skip(1);
    messages
        .map(|message| {
            let (title, text) = message.split_once('\n').expect("a title line");
            let (name, section) = title.split_once(' ').expect("name and section");
            Torture {
                name: name.into(),
                section: section.into(),
                bytes: wire(text),
            }
        })
        .collect()
}

fn wire(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut joined = false;
    for line in text.split('\n') {
        match line {
            "<allOneLine>" => joined = true,
            "</allOneLine>" => {
                joined = false;
                bytes.extend(b"\r\n");
            }
            _ => {
                expand(line, &mut bytes);
                if !joined {
                    bytes.extend(b"\r\n");
                }
            }
        }
    }
    bytes
}

/// Octets and repetitions. Other brackets are those of the message.
fn expand(line: &str, bytes: &mut Vec<u8>) {
    const HEX: (&str, &str) = ("<hex>", "</hex>");
    const REPEAT: (&str, &str) = ("<repeat count=", "</repeat>");
    let tag = [HEX, REPEAT]
        .into_iter()
        .filter_map(|tag| Some((line.find(tag.0)?, tag)))
        .min();
    let Some((at, (open, close))) = tag else {
        return bytes.extend(line.bytes());
    };
    bytes.extend(line[..at].bytes());
    let (inner, rest) = line[at + open.len()..]
        .split_once(close)
        .expect("a closing tag");
    if open == HEX.0 {
        let octet = |pair: &[u8]| {
            let digits = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("two digits")
        };
        bytes.extend(inner.as_bytes().chunks(2).map(octet));
    } else {
        let (count, piece) = inner.split_once('>').expect("a count");
        bytes.extend(piece.repeat(count.parse().expect("a number")).bytes());
    }
    expand(rest, bytes);
}
