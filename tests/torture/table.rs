//! What is expected of each message: by the parser, which keeps to the letter, and
//! by a phone that is registered, which takes what it can use. Rows stand in the
//! order of the corpus.

use graceline::sip::ParseError;

/// What the RFC asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Must be accepted.
    Valid,
    /// Must be refused, or answered as its section says.
    Invalid,
    /// Invalid, but a liberal reader may make sense of it.
    Lenient,
    /// RFC 4475 §3.2: must not break the transaction layer.
    Transaction,
    /// RFC 4475 §3.3: well formed or nearly so; the application decides.
    Application,
    /// RFC 4475 §3.4: from the time of RFC 2543.
    Old,
    /// In the archive of the RFC, but in no section of it.
    Unmentioned,
}

/// What parsing and validation say, the message being a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    Taken,
    /// A request to be answered like this, or a response to be dropped.
    Refused(u16, &'static str),
    NotParsed(ParseError),
}

/// What a registered phone does, the message being a WebSocket frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    Answers(u16),
    Ignores,
}

pub struct Row {
    pub name: &'static str,
    pub kind: Kind,
    pub syntax: Syntax,
    pub reaction: Reaction,
}

use Kind::{Application, Invalid, Lenient, Old, Transaction, Unmentioned, Valid};
use Reaction::{Answers, Ignores};
use Syntax::{NotParsed, Refused, Taken};

/// A call that the person may take.
const RINGS: Reaction = Answers(180);

const fn row(name: &'static str, kind: Kind, syntax: Syntax, reaction: Reaction) -> Row {
    Row {
        name,
        kind,
        syntax,
        reaction,
    }
}

/// A message that is refused with the status that the phone answers.
const fn refused(name: &'static str, kind: Kind, status: u16, reason: &'static str) -> Row {
    row(name, kind, Refused(status, reason), Answers(status))
}

/// A message that a server refuses with this status, and a phone takes: what is
/// malformed is of no use to the last reader (`docs/signalling.md`).
const fn taken_by_a_phone(
    name: &'static str,
    kind: Kind,
    status: u16,
    reason: &'static str,
    reaction: Reaction,
) -> Row {
    row(name, kind, Refused(status, reason), reaction)
}

pub const RFC4475: &[Row] = &[
    // Its To has a tag: a re-INVITE of a call that does not exist.
    row("wsinv", Valid, Taken, Answers(481)),
    row("intmeth", Valid, Taken, Answers(405)),
    row("esc01", Valid, Taken, RINGS),
    row("escnull", Valid, Taken, Answers(405)),
    row("esc02", Valid, Taken, Answers(405)),
    row("lwsdisp", Valid, Taken, Answers(200)),
    row("longreq", Valid, Taken, RINGS),
    row("dblreq", Valid, Taken, Answers(405)),
    row("semiuri", Valid, Taken, Answers(200)),
    row("transports", Valid, Taken, Answers(200)),
    row("mpart01", Valid, Taken, Answers(415)),
    // The answer to an INVITE that we never sent.
    row("unreason", Valid, Taken, Ignores),
    row("noreason", Valid, Taken, Ignores),
    taken_by_a_phone("badinv01", Invalid, 400, "Malformed Via", RINGS),
    refused("clerr", Invalid, 400, "Malformed Content-Length"),
    refused("ncl", Invalid, 400, "Malformed Content-Length"),
    refused("scalar02", Invalid, 400, "Missing or Malformed CSeq"),
    row(
        "scalarlg",
        Invalid,
        Refused(400, "Missing or Malformed CSeq"),
        Ignores,
    ),
    refused("quotbal", Invalid, 400, "Missing or Malformed To"),
    refused("ltgtruri", Lenient, 400, "Malformed Request-URI"),
    refused("lwsruri", Lenient, 400, "Malformed Request-URI"),
    refused("lwsstart", Lenient, 400, "Malformed Request-URI"),
    // White space that cannot be mistaken for anything is passed over.
    row("trws", Lenient, Taken, Answers(200)),
    refused("escruri", Lenient, 400, "Headers in Request-URI"),
    // Nobody looks at the Date of a request.
    row("baddate", Lenient, Taken, RINGS),
    taken_by_a_phone("regbadct", Lenient, 400, "Malformed Contact", Answers(405)),
    taken_by_a_phone(
        "badaspec",
        Lenient,
        400,
        "Missing or Malformed To",
        Answers(200),
    ),
    row(
        "baddn",
        Lenient,
        NotParsed(ParseError::Unterminated),
        Ignores,
    ),
    taken_by_a_phone(
        "baddn-ended",
        Lenient,
        400,
        "Missing or Malformed From",
        Answers(200),
    ),
    refused("badvers", Invalid, 505, "Version Not Supported"),
    refused("mismatch01", Invalid, 400, "CSeq Method Mismatch"),
    refused("mismatch02", Invalid, 400, "CSeq Method Mismatch"),
    row(
        "bigcode",
        Invalid,
        NotParsed(ParseError::StartLine),
        Ignores,
    ),
    // Nothing is retransmitted on a WebSocket, so no transaction needs the branch.
    row("badbranch", Transaction, Taken, Answers(200)),
    refused("insuf", Application, 400, "Missing Call-ID"),
    refused("unkscm", Application, 416, "Unsupported URI Scheme"),
    refused("novelsc", Application, 416, "Unsupported URI Scheme"),
    row("unksm2", Application, Taken, Answers(405)),
    row("bext01", Application, Taken, Answers(420)),
    row("invut", Application, Taken, Answers(415)),
    row("regaut01", Application, Taken, Answers(405)),
    refused("multi01", Application, 400, "Repeated Call-ID"),
    refused("mcl01", Application, 400, "Repeated Content-Length"),
    row(
        "bcast",
        Application,
        Refused(400, "Two Vias in Response"),
        Ignores,
    ),
    // Max-Forwards is for proxies: whoever a request is for takes it with 0.
    row("zeromf", Application, Taken, Answers(200)),
    row("cparam01", Application, Taken, Answers(405)),
    row("cparam02", Application, Taken, Answers(405)),
    row("regescrt", Application, Taken, Answers(405)),
    row("sdp01", Application, Taken, Answers(406)),
    row("inv2543", Old, Taken, RINGS),
    row(
        "test",
        Unmentioned,
        NotParsed(ParseError::StartLine),
        Ignores,
    ),
];

pub const RFC5118: &[Row] = &[
    row("ipv6-good", Valid, Taken, Answers(405)),
    refused("ipv6-bad", Invalid, 400, "Malformed Request-URI"),
    row("port-ambiguous", Valid, Taken, Answers(405)),
    row("port-unambiguous", Valid, Taken, Answers(405)),
    row(
        "via-received-param-with-delim",
        Valid,
        Taken,
        Answers(481), // a BYE
    ),
    row("via-received-param-no-delim", Valid, Taken, Answers(200)),
    // Valid but for the Content-Length that the RFC prints.
    refused("ipv6-in-sdp", Invalid, 400, "Malformed Content-Length"),
    row("ipv6-in-sdp-fits", Valid, Taken, RINGS),
    row("mult-ip-in-header", Valid, Taken, Answers(481)), // a BYE
    row("mult-ip-in-sdp", Valid, Taken, RINGS),
    row("ipv4-mapped-ipv6", Valid, Taken, RINGS),
    row("ipv6-bug-abnf-3-colons", Valid, Taken, Answers(200)),
    row("ipv6-correct-abnf-2-colons", Valid, Taken, Answers(200)),
];

/// What the registrar of `example.com` says to the REGISTERs, which no phone
/// takes: the status for somebody who is logged in, and the Contacts then bound.
pub const REGISTERS: &[(&str, u16, &[&str])] = &[
    // Two contacts: the escaped NULs end nothing.
    (
        "escnull",
        200,
        &["sip:%00@host5.example.com", "sip:%00%00@host5.example.com"],
    ),
    ("dblreq", 200, &["sip:j.user@host.example.com"]),
    ("scalar02", 400, &[]),
    ("regbadct", 400, &[]),
    // Its From is a web page, its To a book.
    ("unksm2", 400, &[]),
    ("regaut01", 401, &[]),
    // A parameter without brackets is the header's, within them the URI's.
    ("cparam01", 200, &["sip:+19725552222@gw1.example.net"]),
    (
        "cparam02",
        200,
        &["sip:+19725552222@gw1.example.net;unknownparam"],
    ),
    (
        "regescrt",
        200,
        &["sip:user@example.com?Route=%3Csip:sip.example.com%3E"],
    ),
    ("ipv6-good", 200, &["sip:caller@[2001:db8::1]"]),
    ("ipv6-bad", 400, &[]),
    ("port-ambiguous", 200, &["sip:caller@[2001:db8::1]"]),
    ("port-unambiguous", 200, &["sip:caller@[2001:db8::1]"]),
];
