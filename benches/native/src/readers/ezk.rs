use super::Fields;
use bytes::Bytes;
use ezk_sip_types::header::typed::{CSeq, CallID, Contact, ContentLength, FromTo, Via};
use ezk_sip_types::msg::{Line, MessageLine, PullParser};
use ezk_sip_types::parse::Parse;
use ezk_sip_types::print::AppendCtx;
use ezk_sip_types::uri::SipUri;
use ezk_sip_types::{Headers, Name};

pub fn read(bytes: &'static [u8], fields: &mut impl Fields) -> Option<()> {
    // As the crate's own stack reads a datagram.
    let source = Bytes::from_static(bytes);
    let mut parser = PullParser::new(&source, 0);
    let line = str::from_utf8(parser.next()?.ok()?).ok()?;
    let (_, line) = MessageLine::parse(&source)(line).ok()?;
    let mut headers = Headers::new();
    for line in &mut parser {
        let (_, line) = Line::parse(&source, str::from_utf8(line.ok()?).ok()?).ok()?;
        headers.insert(line.name, line.value);
    }
    let length: ContentLength = headers.get_named().ok()?;
    let head = parser.head_end();
    let body = source.slice(head..(head + length.0).min(source.len()));

    match &line {
        MessageLine::Request(line) => {
            fields.shown(&line.method);
            uri(&line.uri, fields);
        }
        MessageLine::Response(line) => fields.number(line.code.into_u16().into()),
    }
    for name in [Name::FROM, Name::TO] {
        let party: FromTo = headers.get(name).ok()?;
        uri(&party.uri.uri, fields);
        fields.text(party.tag.as_ref().map_or("", |tag| tag.as_str()).as_bytes());
    }
    let call_id: CallID = headers.get_named().ok()?;
    fields.text(call_id.0.as_bytes());
    let cseq: CSeq = headers.get_named().ok()?;
    fields.number(cseq.cseq.into());
    fields.shown(&cseq.method);
    let via: Via = headers.get_named().ok()?;
    fields.text(via.transport.as_bytes());
    fields.shown(&via.sent_by.host);
    let branch = via.params.get_val("branch");
    fields.text(branch.map_or("", |branch| branch.as_str()).as_bytes());
    if let Some(contacts) = headers.try_get_named::<Vec<Contact>>() {
        for contact in contacts.ok()? {
            uri(&contact.uri.uri, fields);
            let expires = contact.params.get_val("expires");
            let expires = expires.and_then(|expires| expires.parse().ok());
            fields.number(expires.unwrap_or_default());
        }
    }
    fields.number(length.0 as u64);
    fields.number(body.len() as u64);
    Some(())
}

fn uri(uri: &SipUri, fields: &mut impl Fields) {
    // The type of the user part has no public name: it is read, but its text
    // can only be had from the whole URI.
    fields.value(&uri.user_part, |_| {
        let text = uri.default_print_ctx().to_string();
        let user = text
            .split_once(':')
            .and_then(|(_, rest)| rest.split_once('@'));
        user.map_or("", |(user, _)| user).to_owned()
    });
    fields.shown(&uri.host_port.host);
}
