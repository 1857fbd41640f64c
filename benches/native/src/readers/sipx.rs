use super::Fields;
use bytes::Bytes;
use sipx_sip::headers::{Address, CSeq, CallId, Contact, ContentLength, From, To, Via};
use sipx_sip::{Limits, Message, Uri, parse_datagram};

pub fn read(bytes: &'static [u8], fields: &mut impl Fields) -> Option<()> {
    // Not `parse_frame`, which is made of a stream parser and slower.
    let message = parse_datagram(Bytes::from_static(bytes), &Limits::datagram()).ok()?;
    match &message {
        Message::Request(request) => {
            fields.text(request.method.as_bytes());
            uri(&request.uri, fields);
        }
        Message::Response(response) => fields.number(response.status.code().into()),
    }
    let headers = message.headers();
    party(&headers.typed::<From>()?.ok()?.0, fields);
    party(&headers.typed::<To>()?.ok()?.0, fields);
    fields.text(&headers.typed::<CallId>()?.ok()?.0);
    let cseq = headers.typed::<CSeq>()?.ok()?;
    fields.number(cseq.sequence.into());
    fields.text(cseq.method.as_bytes());
    let via = headers.typed::<Via>()?.ok()?;
    fields.text(&via.transport);
    fields.shown(&via.host);
    fields.text(via.branch().unwrap_or_default());
    for contact in headers.typed_all::<Contact>() {
        let contact = contact.ok()?;
        uri(&contact.uri, fields);
        let expires = contact
            .param("expires")
            .and_then(|value| str::from_utf8(value).ok()?.parse().ok());
        fields.number(expires.unwrap_or_default());
    }
    fields.number(headers.typed::<ContentLength>()?.ok()?.0);
    fields.number(message.body().len() as u64);
    Some(())
}

fn party(address: &Address, fields: &mut impl Fields) {
    uri(&address.uri, fields);
    fields.text(address.tag().unwrap_or_default());
}

fn uri(uri: &Uri, fields: &mut impl Fields) {
    fields.text(uri.user().unwrap_or_default());
    match uri.host() {
        Some(host) => fields.shown(host),
        None => fields.text(b""),
    }
}
