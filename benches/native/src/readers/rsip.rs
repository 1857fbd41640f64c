use super::Fields;
use rsip::headers::ToTypedHeader;
use rsip::message::{HasHeaders, HeadersExt};
use rsip::{Header, SipMessage, Uri};

pub fn read(bytes: &'static [u8], fields: &mut impl Fields) -> Option<()> {
    let message = SipMessage::try_from(bytes).ok()?;
    match &message {
        SipMessage::Request(request) => {
            fields.shown(&request.method);
            uri(&request.uri, fields);
        }
        SipMessage::Response(response) => fields.number(response.status_code.code().into()),
    }
    let from = message.from_header().ok()?.typed().ok()?;
    uri(&from.uri, fields);
    tag(from.tag().map(|tag| tag.value()), fields);
    let to = message.to_header().ok()?.typed().ok()?;
    uri(&to.uri, fields);
    tag(to.tag().map(|tag| tag.value()), fields);
    fields.shown(message.call_id_header().ok()?.value());
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    fields.number(cseq.seq.into());
    fields.shown(&cseq.method);
    let via = message.via_header().ok()?.typed().ok()?;
    fields.shown(&via.transport);
    fields.shown(via.uri.host());
    tag(via.branch().map(|branch| branch.value()), fields);
    for contact in message.contact_headers() {
        let contact = contact.typed().ok()?;
        uri(&contact.uri, fields);
        let expires = contact.expires().and_then(|expires| expires.seconds().ok());
        fields.number(expires.unwrap_or_default().into());
    }
    let length = message.headers().iter().find_map(|header| match header {
        Header::ContentLength(length) => length.length().ok(),
        _ => None,
    });
    fields.number(length?.into());
    fields.number(message.body().len() as u64);
    Some(())
}

use rsip::headers::UntypedHeader;

fn uri(uri: &Uri, fields: &mut impl Fields) {
    fields.text(uri.user().unwrap_or_default().as_bytes());
    fields.shown(uri.host());
}

fn tag(value: Option<&str>, fields: &mut impl Fields) {
    fields.text(value.unwrap_or_default().as_bytes());
}
