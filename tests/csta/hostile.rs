//! Documents that mean harm, or are broken: each is refused with its reason, and
//! nothing grows.

use crate::notation::whole;
use graceline::csta::{Content, Document, DocumentError, Response, Snapshot};
use graceline::sip::XmlError;

fn refusal(document: impl AsRef<[u8]>) -> DocumentError {
    match Document::parse(document.as_ref()) {
        Err(error) => error,
        Ok(read) => panic!("read as {read:?}"),
    }
}

#[test]
fn document_types_and_entities_are_refused() {
    for document in [
        "<!DOCTYPE HeldEvent SYSTEM \"http://127.0.0.1/x.dtd\"><HeldEvent/>",
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;&l;\">]><HeldEvent><cause>&m;</cause></HeldEvent>",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM \"file:///etc/passwd\">%p;]><HeldEvent/>",
        "<HeldEvent><cause>&unknown;</cause></HeldEvent>",
        "<HeldEvent x='&unknown;'/>",
    ] {
        assert_eq!(
            refusal(document),
            DocumentError::Xml(XmlError::Forbidden),
            "{document}"
        );
    }
}

#[test]
fn depth_and_size_have_limits() {
    let deep = |depth| {
        let open = "<a>".repeat(depth);
        format!("<HeldEvent>{open}{}</HeldEvent>", "</a>".repeat(depth))
    };
    assert!(Document::parse(deep(30).as_bytes()).is_ok());
    let large = |size| format!("<HeldEvent><cause>{}</cause></HeldEvent>", "x".repeat(size));
    assert!(Document::parse(large(60_000).as_bytes()).is_ok());
    for document in [
        deep(40),
        deep(5_000),
        "<a>".repeat(20_000),
        large(70_000),
        large(8 << 20),
        format!("<HeldEvent>{}</HeldEvent>", "<b/>".repeat(16_380)),
    ] {
        assert_eq!(refusal(document), DocumentError::Xml(XmlError::TooLarge));
    }
}

#[test]
fn wrong_encodings_are_refused() {
    let event = "<HeldEvent><cause>normal</cause></HeldEvent>";
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(event.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(refusal(utf16), DocumentError::Encoding);
    for declaration in ["UTF-16", "EBCDIC-CP-US", "utf-7", ""] {
        let document = format!("<?xml version=\"1.0\" encoding=\"{declaration}\"?>{event}");
        assert_eq!(refusal(document), DocumentError::Encoding, "{declaration}");
    }
    // Latin letters without a word, or with the wrong one.
    let latin1 = b"<HeldEvent><cause>caf\xe9</cause></HeldEvent>";
    assert_eq!(refusal(latin1), DocumentError::Encoding);
    let declared = [b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>", &latin1[..]].concat();
    assert_eq!(refusal(declared), DocumentError::Encoding);
    assert_eq!(refusal(b"\xff\xfe\x00\xd8"), DocumentError::Encoding);
}

#[test]
fn what_is_no_xml_is_refused() {
    for document in [
        "",
        " ",
        "<",
        "HeldEvent",
        "<HeldEvent>",
        "<a></b>",
        "<a/><a/>",
        "\0",
    ] {
        assert_eq!(
            refusal(document),
            DocumentError::Xml(XmlError::Malformed),
            "{document}"
        );
    }
}

#[test]
fn what_must_be_there_is_missed_by_its_name() {
    for (document, missing) in [
        ("<MakeCall/>", "callingDevice"),
        (
            "<MakeCall><callingDevice>1</callingDevice></MakeCall>",
            "calledDirectoryNumber",
        ),
        ("<HoldCall><callToBeHeld/></HoldCall>", "callToBeHeld"),
        ("<RequestSystemStatusResponse/>", "systemStatus"),
        (
            "<RequestSystemStatusResponse><systemStatus>odd</systemStatus></RequestSystemStatusResponse>",
            "systemStatus",
        ),
        (
            "<MonitorStartResponse/>",
            "monitorCrossRefID|crossRefIdentifier",
        ),
        ("<SnapshotDeviceResponse/>", "crossRefIDorSnapshotData"),
        (
            "<GetDoNotDisturbResponse><doNotDisturbOn>maybe</doNotDisturbOn></GetDoNotDisturbResponse>",
            "doNotDisturbOn",
        ),
        ("<ForwardingEvent/>", "forwardStatus"),
        ("<CSTAErrorCode/>", "error category"),
    ] {
        assert_eq!(
            refusal(document),
            DocumentError::Missing(missing),
            "{document}"
        );
    }
}

/// The first of two equal names counts; in a list both are there, and whoever
/// reads it must not take them for two calls.
#[test]
fn duplicate_names_are_read_once() {
    let document = whole(
        "<MonitorStartResponse><monitorCrossRefID>1</monitorCrossRefID>\
         <monitorCrossRefID>2</monitorCrossRefID></MonitorStartResponse>",
    );
    let expected = Response::MonitorStart {
        cross_ref: "1".to_owned(),
    };
    let read = Document::parse(document.as_bytes()).expect("a document");
    assert_eq!(read.content, Content::Response(expected));

    let item = "<snapshotDeviceResponseInfo><connectionIdentifier><callID>a</callID>\
                </connectionIdentifier><localCallState/></snapshotDeviceResponseInfo>";
    let document = whole(&format!(
        "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData>{item}{item}\
         </snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>"
    ));
    match Document::parse(document.as_bytes())
        .expect("a document")
        .content
    {
        Content::Response(Response::SnapshotDevice {
            calls: Snapshot::Here(calls),
        }) => assert_eq!(calls[0], calls[1]),
        other => panic!("{other:?}"),
    }
}
