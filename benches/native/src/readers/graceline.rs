use super::Fields;
use graceline::sip::{Framing, Message, Name, NameAddr, Uri};

pub fn read(bytes: &'static [u8], fields: &mut impl Fields) -> Option<()> {
    let message = Message::parse(bytes, Framing::Frame).ok()?;
    if message.is_request() {
        fields.text(message.method().as_bytes());
        uri(Uri::parse(message.request_uri())?, fields);
    } else {
        fields.number(message.status().into());
    }
    for address in [message.from()?, message.to()?] {
        party(&address, fields)?;
        fields.text(address.tag().unwrap_or_default().as_bytes());
    }
    fields.text(message.call_id().as_bytes());
    let cseq = message.cseq()?;
    fields.number(cseq.number.into());
    fields.text(cseq.method.as_bytes());
    let via = message.top_via()?;
    fields.text(via.transport.as_bytes());
    fields.shown(via.host);
    fields.text(via.branch().unwrap_or_default().as_bytes());
    for contact in message.contacts().list {
        party(&contact, fields)?;
        fields.number(contact.expires().unwrap_or_default().into());
    }
    let length: u64 = message.header(Name::ContentLength)?.parse().ok()?;
    fields.number(length);
    fields.number(message.body().len() as u64);
    Some(())
}

fn party(address: &NameAddr<'_>, fields: &mut impl Fields) -> Option<()> {
    uri(Uri::parse(address.uri)?, fields);
    Some(())
}

fn uri(uri: Uri<'_>, fields: &mut impl Fields) {
    fields.text(uri.user.unwrap_or_default().as_bytes());
    fields.shown(uri.host);
}
