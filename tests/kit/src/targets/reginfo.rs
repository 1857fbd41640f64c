//! Documents of the reg event package.

use graceline::sip::{Element, RegInfo};

/// Inputs to start from.
pub const SEEDS: &[&str] = &[
    "<?xml version=\"1.0\"?>\n<!-- a -->\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"0\" \
     state=\"full\"><registration aor=\"sip:joe@example.com\" id=\"as9\" state=\"active\"><contact id=\"76\" \
     state=\"active\" event=\"registered\" expires=\"7322\" retry-after='1' callid='a' cseq='2'><uri>\
     sip:joe@pc887.example.com</uri><unknown-param name=\"+sip.instance\">\"&lt;urn:uuid:f&gt;\"</unknown-param>\
     </contact></registration></reginfo>",
    "<r:reginfo xmlns:r='urn:x' version='4294967296' state='partial'><r:registration aor='a' id='b' \
     state='terminated'><r:contact id='' state='terminated' event='probation'><r:uri><![CDATA[<&>]]>&#65;&#x42;&amp;\
     </r:uri></r:contact></r:registration><r:registration aor='' id='' state='init'/></r:reginfo>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
];

/// Reads `data`; what can be read, reads the same when it is written again.
pub fn run(data: &[u8]) {
    if let Ok(root) = Element::parse(data) {
        assert!(depth(&root) <= 33);
    }
    if let Ok(info) = RegInfo::parse(data) {
        let rewritten = |info: &RegInfo| {
            let written = info.to_xml();
            RegInfo::parse(written.as_bytes()).expect("what is written can be read")
        };
        // Control characters, which cannot be written, are lost, and then perhaps
        // the white space around them.
        let clean = rewritten(&info);
        assert_eq!(rewritten(&rewritten(&clean)), rewritten(&clean));
    }
}

fn depth(element: &Element) -> usize {
    1 + element.children.iter().map(depth).max().unwrap_or(0)
}
