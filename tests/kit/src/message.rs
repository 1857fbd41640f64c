//! SIP as a far end writes it: answers to what a phone asked, and requests in a
//! dialog with it.

use graceline::sip::{Message, Name};

/// A description that talks both ways.
pub const SDP: &str = "v=0\r\no=- 9 9 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
                       m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\n";

/// The answer to `request`, with a tag where there is none.
pub fn respond(request: &Message, status: u16, tag: &str, headers: &str, body: &str) -> String {
    let line = format!("{status} Whatever");
    respond_with(request, &line, tag, headers, body)
}

/// As [`respond`], with status and reason in a line.
pub fn respond_with(request: &Message, line: &str, tag: &str, headers: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {line}\r\n");
    let establishes = request.to_tag().is_none() && !line.starts_with("100");
    for (name, value) in request.all_headers() {
        match Name::from_text(name) {
            Name::Via | Name::From | Name::CallId | Name::CSeq | Name::RecordRoute => {
                text += &format!("{name}: {value}\r\n");
            }
            Name::To if establishes => text += &format!("To: {value};tag={tag}\r\n"),
            Name::To => text += &format!("To: {value}\r\n"),
            _ => {}
        }
    }
    text + headers + &content(body)
}

/// The headers of a body, and the body.
fn content(body: &str) -> String {
    let kind = match body {
        "" => "",
        body if body.starts_with("v=0") => "Content-Type: application/sdp\r\n",
        body if body.starts_with("<?xml") => "Content-Type: application/csta+xml\r\n",
        _ => "Content-Type: message/sipfrag;version=2.0\r\n",
    };
    format!("{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// What every request begins with.
pub struct Head<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    /// Who sends it, and the rest of its branch.
    pub via: (&'a str, &'a str),
    pub from: &'a str,
    pub to: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
}

impl Head<'_> {
    pub fn write(&self, headers: &str, body: &str) -> String {
        let Self {
            method,
            uri,
            via: (host, branch),
            from,
            to,
            call_id,
            cseq,
        } = self;
        format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/WS {host};branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n{headers}{}",
            content(body)
        )
    }
}

/// The far end of a dialog: writes requests in it.
#[derive(Clone)]
pub struct Peer {
    pub target: String,
    pub from: String,
    pub to: String,
    pub call_id: String,
    pub cseq: u32,
}

impl Peer {
    /// The other side of the dialog that `request` of the phone belongs to.
    pub fn of(request: &Message) -> Self {
        Self {
            target: "sip:2001@phone.invalid".into(),
            from: request.header(Name::To).expect("a To").into(),
            to: request.header(Name::From).expect("a From").into(),
            call_id: request.call_id().into(),
            cseq: 100,
        }
    }

    /// A caller that the phone does not know yet.
    pub fn caller(number: u32) -> Self {
        Self {
            target: "sip:2001@phone.invalid".into(),
            from: format!("\"Bob\" <sip:2002@example.com>;tag=caller{number}"),
            to: "<sip:2001@example.com>".into(),
            call_id: format!("call{number}"),
            cseq: 1,
        }
    }

    /// The phone has answered: its tag is known.
    pub fn learn(&mut self, answer: &Message) {
        self.to = answer.header(Name::To).expect("a To").into();
    }

    pub fn request(&mut self, method: &str, headers: &str, body: &str) -> String {
        self.cseq += 1;
        self.numbered(method, self.cseq, headers, body)
    }

    /// The ACK, or the CANCEL, for the INVITE of this number.
    pub fn numbered(&self, method: &str, number: u32, headers: &str, body: &str) -> String {
        let call_id = &self.call_id;
        let transaction = if method == "CANCEL" { "INVITE" } else { method };
        let head = Head {
            method,
            uri: &self.target,
            via: ("far.invalid", &format!("{call_id}{transaction}{number}")),
            from: &self.from,
            to: &self.to,
            call_id,
            cseq: number,
        };
        let contact = "Contact: <sip:far@far.invalid;transport=ws>\r\n";
        head.write(&format!("{contact}{headers}"), body)
    }
}
