//! How the parts of a document are found and written: a field has a path of
//! element names below the root, the same in both directions.

use crate::prelude::*;
use crate::sip::{Element, escape_xml};
use crate::text::{cut, decimal, number, pieces};

/// Namespaces of vendors that private data is written in, by their prefixes.
const PREFIXES: [(&str, &str); 2] = [
    // Microsoft's, in which the controlled line is told.
    (
        "lcs",
        "http://schemas.microsoft.com/Lcs/2005/04/RCCExtension",
    ),
    // Ours, in which a gateway tells the device that it chose, and more of calls.
    ("cti", "urn:graceline:cti"),
];

/// What an element holds.
pub(super) trait Value: Sized {
    fn read(element: &Element) -> Option<Self>;
    fn write(&self, xml: &mut Xml);
}

/// A part of a document. Reading gives nothing where a part is missing that
/// must be there.
pub(super) trait Field: Sized {
    fn read_at(within: &Element, path: &str) -> Option<Self>;
    fn write_at(&self, xml: &mut Xml, path: &str);
}

impl<T: Value> Field for T {
    fn read_at(within: &Element, path: &str) -> Option<T> {
        T::read(descend(within, path)?)
    }

    fn write_at(&self, xml: &mut Xml, path: &str) {
        xml.element(path, |xml| self.write(xml));
    }
}

impl<T: Value> Value for Box<T> {
    fn read(element: &Element) -> Option<Self> {
        T::read(element).map(Box::new)
    }

    fn write(&self, xml: &mut Xml) {
        T::write(self, xml);
    }
}

impl<T: Value> Field for Option<T> {
    fn read_at(within: &Element, path: &str) -> Option<Option<T>> {
        Some(Field::read_at(within, path))
    }

    fn write_at(&self, xml: &mut Xml, path: &str) {
        if let Some(value) = self {
            Field::write_at(value, xml, path);
        }
    }
}

/// The last name of the path is that of each item. One that cannot be read
/// spoils no other.
impl<T: Value> Field for Vec<T> {
    fn read_at(within: &Element, path: &str) -> Option<Vec<T>> {
        let (list, item) = path.rsplit_once('/').unwrap_or(("", path));
        let list = descend(within, list);
        let items = list.iter().flat_map(|list| &list.children);
        let items = items.filter(|child| is_named(child, item));
        Some(items.filter_map(T::read).collect())
    }

    fn write_at(&self, xml: &mut Xml, path: &str) {
        let (list, item) = path.rsplit_once('/').unwrap_or(("", path));
        xml.element(list, |xml| {
            for value in self {
                xml.element(item, |xml| value.write(xml));
            }
        });
    }
}

/// The text of an element without the white space around it. A text that
/// stands in an element of its own within is taken, too: some phones write
/// `<newDestination><device>…`.
pub(super) fn word_of(element: &Element) -> &str {
    match (element.text.trim_ascii(), element.children.as_slice()) {
        ("", [inner]) => inner.text.trim_ascii(),
        (text, _) => text,
    }
}

impl Value for String {
    fn read(element: &Element) -> Option<String> {
        let text = word_of(element);
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn write(&self, xml: &mut Xml) {
        xml.text(self);
    }
}

impl Value for bool {
    fn read(element: &Element) -> Option<bool> {
        match word_of(element) {
            "1" => Some(true),
            "0" => Some(false),
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    fn write(&self, xml: &mut Xml) {
        xml.text(if *self { "true" } else { "false" });
    }
}

impl Value for u32 {
    fn read(element: &Element) -> Option<u32> {
        number(word_of(element)).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    fn write(&self, xml: &mut Xml) {
        xml.text(&decimal((*self).into()));
    }
}

/// Has the element this name, or one of several: `written|alsoRead`?
fn is_named(element: &Element, names: &str) -> bool {
    pieces(names, b'|').any(|name| {
        let local = cut(name, b':').map_or(name, |(_, local)| local);
        element.name.eq_ignore_ascii_case(local)
    })
}

/// The first child of this name, in any case of letters.
pub(super) fn child<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    let mut children = element.children.iter();
    children.find(|child| is_named(child, name))
}

/// The element at the end of a path of names; `within` itself if that is empty.
fn descend<'a>(within: &'a Element, path: &str) -> Option<&'a Element> {
    let mut element = within;
    for name in pieces(path, b'/').filter(|name| !name.is_empty()) {
        element = child(element, name)?;
    }
    Some(element)
}

/// A document while it is written.
pub(super) struct Xml(String);

impl Xml {
    /// A whole document.
    pub(super) fn document(root: &str, namespace: &str, content: impl FnOnce(&mut Xml)) -> String {
        let mut xml = Xml(String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<",
        ));
        xml.markup(&[root, " xmlns=\"", &escape_xml(namespace), "\">"]);
        xml.close_behind(root, content);
        xml.0
    }

    fn markup(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.push_str(part);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.push_str(&escape_xml(text));
    }

    /// The elements of a path, one in the other, and the content of the last.
    pub(super) fn element(&mut self, path: &str, content: impl FnOnce(&mut Xml)) {
        let (name, rest) = match cut(path, b'/') {
            Some((name, rest)) => (name, rest),
            None => (path, ""),
        };
        if name.is_empty() {
            return content(self);
        }
        let name = cut(name, b'|').map_or(name, |(written, _)| written);
        self.markup(&["<", name]);
        let prefix = cut(name, b':').map(|(prefix, _)| prefix);
        for (known, namespace) in PREFIXES {
            if prefix == Some(known) {
                self.markup(&[" xmlns:", known, "=\"", namespace, "\""]);
            }
        }
        self.markup(&[">"]);
        let content: &mut dyn FnMut(&mut Xml) = &mut once(content);
        self.close_behind(name, |xml| xml.element(rest, content));
    }

    /// The content of an element whose start tag has been written, and the end.
    fn close_behind(&mut self, name: &str, content: impl FnOnce(&mut Xml)) {
        let begin = self.0.len();
        content(self);
        if self.0.len() > begin {
            self.markup(&["</", name, ">"]);
        } else {
            self.0.pop();
            self.markup(&["/>"]);
        }
    }
}

/// So that one function serves every depth.
fn once(content: impl FnOnce(&mut Xml)) -> impl FnMut(&mut Xml) {
    let mut content = Some(content);
    move |xml| {
        if let Some(content) = content.take() {
            content(xml);
        }
    }
}

/// A part of a document with fields of its own.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $Struct:ident { $($(#[$doc:meta])* $field:ident: $Type:ty = $path:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $Struct { $($(#[$doc])* #[doc = concat!("`", $path, "`")] pub $field: $Type,)* }

        impl Value for $Struct {
            fn read(element: &Element) -> Option<Self> {
                Some(Self { $($field: Field::read_at(element, $path)?,)* })
            }

            fn write(&self, xml: &mut Xml) {
                $(Field::write_at(&self.$field, xml, $path);)*
            }
        }
    };
}

/// A family of documents: each with the fields that stand below its root. The
/// name of the root is the variant's with a suffix.
macro_rules! documents {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident, $suffix:literal {
            $($(#[$doc:meta])* $Variant:ident { $($field:ident: $Type:ty = $path:literal),* $(,)? },)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::enum_variant_names)] // they have the names of the standard
        pub enum $Enum {
            $($(#[$doc])* $Variant { $(#[doc = concat!("`", $path, "`")] $field: $Type,)* },)*
        }

        impl $Enum {
            /// Names of the roots.
            pub const NAMES: &[&str] = &[$(concat!(stringify!($Variant), $suffix),)*];

            /// Name of the root.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$Variant { .. } => concat!(stringify!($Variant), $suffix),)* }
            }

            /// Nothing if the root is that of another family.
            pub(super) fn read(root: &Element) -> Result<Option<Self>, DocumentError> {
                $(if root.name.eq_ignore_ascii_case(concat!(stringify!($Variant), $suffix)) {
                    return Ok(Some(Self::$Variant {
                        $($field: Field::read_at(root, $path).ok_or(DocumentError::Missing($path))?,)*
                    }));
                })*
                Ok(None)
            }

            /// What stands below the root.
            pub(super) fn write(&self, xml: &mut Xml) {
                match self {
                    $(Self::$Variant { $($field),* } => { $(Field::write_at($field, xml, $path);)* })*
                }
            }
        }
    };
}

pub(super) use {documents, record};
