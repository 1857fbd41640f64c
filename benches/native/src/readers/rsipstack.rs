use super::Fields;
use rsipstack::sip::message::{HasHeaders, HeadersExt};
use rsipstack::sip::{Header, SipMessage, Uri, typed};

pub fn read(bytes: &'static [u8], fields: &mut impl Fields) -> Option<()> {
    let message = SipMessage::try_from(bytes).ok()?;
    let body = match &message {
        SipMessage::Request(request) => {
            fields.shown(&request.method);
            uri(&request.uri, fields);
            &request.body
        }
        SipMessage::Response(response) => {
            fields.number(response.status_code.code().into());
            &response.body
        }
    };
    // `parse` of the value: `typed()` would copy it first.
    let from = typed::From::parse(message.from_header().ok()?.value()).ok()?;
    uri(&from.uri, fields);
    fields.text(from.tag().map_or("", |tag| tag.value()).as_bytes());
    let to = typed::To::parse(message.to_header().ok()?.value()).ok()?;
    uri(&to.uri, fields);
    fields.text(to.tag().map_or("", |tag| tag.value()).as_bytes());
    fields.text(message.call_id_header().ok()?.value().as_bytes());
    let cseq = typed::CSeq::parse(message.cseq_header().ok()?.value()).ok()?;
    fields.number(cseq.seq.into());
    fields.shown(&cseq.method);
    let via = typed::Via::parse(message.via_header().ok()?.value()).ok()?;
    fields.shown(&via.transport);
    fields.shown(via.uri.host());
    fields.text(via.branch().map_or("", |branch| branch.value()).as_bytes());
    let mut length = None;
    for header in message.headers().iter() {
        match header {
            Header::Contact(value) => {
                for contact in typed::Contact::parse_header_list(value.value()).ok()? {
                    uri(&contact.uri, fields);
                    fields.number(contact.expires().unwrap_or_default().into());
                }
            }
            Header::ContentLength(value) => length = value.value().parse::<u64>().ok(),
            _ => {}
        }
    }
    fields.number(length?);
    fields.number(body.len() as u64);
    Some(())
}

fn uri(uri: &Uri, fields: &mut impl Fields) {
    fields.text(uri.user().unwrap_or_default().as_bytes());
    fields.shown(uri.host());
}
