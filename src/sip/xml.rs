//! A small, safe XML reader for the documents that SIP carries (reginfo, CSTA).
//! No DTD, so no entities but the five predefined ones and numeric ones:
//! nothing can grow while it is read. Elements and attributes go by their local
//! names; namespaces stand in the attributes that declare them.

use super::text::{cut, number, split_while};
use crate::prelude::*;
use crate::text::{find, hex_number};

/// Largest document read, in bytes: some hundred registered contacts.
const MAX_DOCUMENT: usize = 256 * 1024;
/// Deepest nesting read; a reginfo document has four levels.
const MAX_DEPTH: usize = 32;
/// Most elements and attributes read.
const MAX_NODES: usize = 16 * 1024;

/// An element of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name, without a prefix.
    pub name: String,
    /// Local names and values; of namespace declarations the names as written,
    /// `xmlns` or `xmlns:prefix`.
    pub attributes: Vec<(String, String)>,
    /// In order.
    pub children: Vec<Element>,
    /// All text directly within the element.
    pub text: String,
}

/// Why a document is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not well formed, or not UTF-8.
    #[error("the XML is malformed")]
    Malformed,
    /// It has a document type declaration or an entity of its own.
    #[error("the XML has a document type or entities of its own, which are refused")]
    Forbidden,
    /// It is longer, deeper or richer than any honest document.
    #[error("the XML is larger than 256 KiB, or has too many or too deep elements")]
    TooLarge,
}

impl Element {
    /// The root element of a document.
    pub fn parse(document: &[u8]) -> Result<Element, XmlError> {
        if document.len() > MAX_DOCUMENT {
            return Err(XmlError::TooLarge);
        }
        let text = str::from_utf8(document).map_err(|_| XmlError::Malformed)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Reader {
            text,
            open: Vec::new(),
            nodes: 0,
        }
        .document()
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The children of this name.
    pub fn children_named(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children_named(name).next()
    }
}

/// `text` for use in XML text or in a quoted attribute. Control characters that
/// XML cannot express are left out; a reader would take a CR of its own for the end
/// of a line (XML 1.0 §2.11).
pub fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(character),
            '\0'..='\x1f' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

struct Reader<'a> {
    /// What is still to be read.
    text: &'a str,
    /// Open elements with their names as written, outermost first.
    open: Vec<(&'a str, Element)>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn document(mut self) -> Result<Element, XmlError> {
        let mut root = None;
        loop {
            let (text, rest) = split_while(self.text, |byte| byte != b'<');
            self.text = rest;
            self.add_text(text, true)?;
            if self.text.is_empty() {
                return root
                    .filter(|_| self.open.is_empty())
                    .ok_or(XmlError::Malformed);
            }
            let done = if self.skip("<?") {
                self.until("?>")?;
                None
            } else if self.skip("<!--") {
                self.until("-->")?;
                None
            } else if self.skip("<![CDATA[") {
                let text = self.until("]]>")?;
                self.add_text(text, false)?;
                None
            } else if self.skip("<!") {
                return Err(XmlError::Forbidden);
            } else if self.skip("</") {
                let name = self.until(">")?.trim_ascii_end();
                let (opened, element) = self.open.pop().ok_or(XmlError::Malformed)?;
                require(opened == name)?;
                self.close(element)
            } else {
                self.take(1)?;
                self.start_tag()?
            };
            if done.is_some() {
                require(root.is_none())?;
                root = done;
            }
        }
    }

    /// Adds to the innermost element; outside of the root only white space may
    /// stand.
    fn add_text(&mut self, text: &str, escaped: bool) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some((_, element)) => push(text, escaped, &mut element.text),
            None => require(text.trim_ascii().is_empty()),
        }
    }

    /// Reads a start tag behind its bracket. `Some`: it was an empty root.
    fn start_tag(&mut self) -> Result<Option<Element>, XmlError> {
        let written = self.name()?;
        let mut element = Element {
            name: local(written).to_owned(),
            ..Element::default()
        };
        self.count()?;
        loop {
            let spaced = self.skip_white();
            if self.skip("/>") {
                return Ok(self.close(element));
            }
            if self.skip(">") {
                if self.open.len() == MAX_DEPTH {
                    return Err(XmlError::TooLarge);
                }
                self.open.push((written, element));
                return Ok(None);
            }
            require(spaced)?;
            let name = self.name()?;
            self.skip_white();
            require(self.skip("="))?;
            self.skip_white();
            let quote = if self.skip("\"") { "\"" } else { "'" };
            require(quote == "\"" || self.skip("'"))?;
            let mut value = String::new();
            let raw = self.until(quote)?;
            require(cut(raw, b'<').is_none())?;
            push(raw, true, &mut value)?;
            self.count()?;
            let name = if name.starts_with("xmlns:") {
                name
            } else {
                local(name)
            };
            element.attributes.push((name.to_owned(), value));
        }
    }

    /// Hands a finished element to its parent, or back if it is the root.
    fn close(&mut self, element: Element) -> Option<Element> {
        match self.open.last_mut() {
            Some((_, parent)) => {
                parent.children.push(element);
                None
            }
            None => Some(element),
        }
    }

    fn count(&mut self) -> Result<(), XmlError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            Err(XmlError::TooLarge)
        } else {
            Ok(())
        }
    }

    fn name(&mut self) -> Result<&'a str, XmlError> {
        let is_name =
            |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte) || byte > 0x7f;
        let (name, rest) = split_while(self.text, is_name);
        self.text = rest;
        // The local name is one, too (Namespaces in XML 1.0 §3).
        let first = local(name).bytes().next().unwrap_or(b'-');
        require(!first.is_ascii_digit() && first != b'-' && first != b'.')?;
        Ok(name)
    }

    fn take(&mut self, length: usize) -> Result<&'a str, XmlError> {
        let (taken, rest) = self
            .text
            .split_at_checked(length)
            .ok_or(XmlError::Malformed)?;
        self.text = rest;
        Ok(taken)
    }

    /// Takes what stands before `end`, and skips that.
    fn until(&mut self, end: &str) -> Result<&'a str, XmlError> {
        let at = find(self.text.as_bytes(), end.as_bytes());
        let taken = self.take(at.ok_or(XmlError::Malformed)?)?;
        self.take(end.len())?;
        Ok(taken)
    }

    fn skip(&mut self, token: &str) -> bool {
        let rest = self.text.strip_prefix(token);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn skip_white(&mut self) -> bool {
        let before = self.text.len();
        self.text = self.text.trim_ascii_start();
        self.text.len() < before
    }
}

fn local(mut name: &str) -> &str {
    while let Some((_, behind)) = cut(name, b':') {
        name = behind;
    }
    name
}

fn require(condition: bool) -> Result<(), XmlError> {
    if condition {
        Ok(())
    } else {
        Err(XmlError::Malformed)
    }
}

/// Adds text as it stands in a document: each end of a line is LF (XML 1.0 §2.11),
/// and control characters that XML does not have (§2.2) are left out. `escaped`: what
/// stands for a character is read as that.
fn push(raw: &str, escaped: bool, out: &mut String) -> Result<(), XmlError> {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'&' || matches!(byte, b'\t' | b'\n');
    let mut rest = raw;
    while !rest.is_empty() {
        let (plain, behind) = split_while(rest, is_plain);
        out.push_str(plain);
        rest = behind.get(1..).unwrap_or_default();
        match behind.as_bytes().first() {
            Some(b'&') if escaped => {
                let (entity, behind) = cut(rest, b';').ok_or(XmlError::Malformed)?;
                out.push(match entity {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => character(entity)?,
                });
                rest = behind;
            }
            Some(b'&') => out.push('&'),
            Some(b'\r') if !rest.starts_with('\n') => out.push('\n'),
            _ => {}
        }
    }
    Ok(())
}

/// `#10` or `#x0A`.
fn character(entity: &str) -> Result<char, XmlError> {
    let digits = entity.strip_prefix('#').ok_or(XmlError::Forbidden)?;
    let code = match digits.strip_prefix('x') {
        Some(digits) => hex_number(digits).and_then(|code| u32::try_from(code).ok()),
        None => number(digits),
    };
    let code = code.filter(|code| *code >= 0x20 || matches!(code, 9 | 10 | 13));
    code.and_then(char::from_u32).ok_or(XmlError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Element, XmlError> {
        Element::parse(text.as_bytes())
    }

    #[test]
    fn documents_are_read_by_local_name() {
        let text = "\u{feff}<?xml version=\"1.0\"?>\n<!-- <a> -->\n<p:a xmlns:p='urn:x' p:one = \"1 &lt; 2\" two='\"'>\n\
                    x &amp; &#65;&#x42;<b/><c\n>é<![CDATA[<&>]]></c ><b two=''></b>y</p:a>\n<!-- end -->\n";
        let root = parse(text).unwrap();
        assert_eq!(root.name, "a");
        assert_eq!(
            (root.attribute("one"), root.attribute("two")),
            (Some("1 < 2"), Some("\""))
        );
        assert_eq!(root.attribute("xmlns:p"), Some("urn:x"));
        assert_eq!(root.attributes.len(), 3);
        assert_eq!(root.text.trim(), "x & ABy");
        assert_eq!(root.child("c").unwrap().text, "é<&>");
        assert_eq!(root.children_named("b").count(), 2);
        assert!(root.child("d").is_none());
    }

    #[test]
    fn what_is_escaped_is_read_back() {
        let text = "a<b>&\"'é\t\n";
        let read = parse(&format!("<a b=\"{0}\">{0}</a>", escape_xml(text))).unwrap();
        assert_eq!(
            (read.text.as_str(), read.attribute("b")),
            (text, Some(text))
        );
        assert_eq!(escape_xml("a\0\x1bb\r"), "ab&#13;");
    }

    #[test]
    fn lines_end_with_lf() {
        let read =
            parse("<a b='1\r\n2\r3'>1\r\n2\r\r\n3&#13;\n<![CDATA[4\r]]>\r\x0b&#10;</a>").unwrap();
        assert_eq!(read.attribute("b"), Some("1\n2\n3"));
        assert_eq!(read.text, "1\n2\n\n3\r\n4\n\n\n");
    }

    #[test]
    fn document_types_and_own_entities_are_refused() {
        for text in [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a>&b;</a>",
            "<a b='&c;'/>",
            "<!ELEMENT a>",
        ] {
            assert_eq!(parse(text), Err(XmlError::Forbidden), "{text}");
        }
    }

    #[test]
    fn malformed_documents_are_refused() {
        for text in [
            "",
            " ",
            "a",
            "<",
            "<a",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>b",
            "a<b/>",
            "<a b/>",
            "<a b=c/>",
            "<a b='c/>",
            "<a b='c'd='e'/>",
            "<a b='<'/>",
            "<1/>",
            "<a:/>",
            "<a:1/>",
            "<a>&</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a>&#99999999999;</a>",
            "<!-- ",
            "<?x",
            "<a><![CDATA[</a>",
            "< a/>",
            "<a><b></a></b>",
        ] {
            assert_eq!(parse(text), Err(XmlError::Malformed), "{text}");
        }
        assert_eq!(Element::parse(b"<a>\xff</a>"), Err(XmlError::Malformed));
    }

    #[test]
    fn limits_hold() {
        let nested = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(XmlError::TooLarge));
        assert_eq!(parse(&"<a>".repeat(50_000)), Err(XmlError::TooLarge));
        assert_eq!(
            parse(&format!("<a>{}</a>", "<b/>".repeat(MAX_NODES))),
            Err(XmlError::TooLarge)
        );
        assert_eq!(
            parse(&format!("<a>{}</a>", " ".repeat(MAX_DOCUMENT))),
            Err(XmlError::TooLarge)
        );
    }
}
