//! One value of a Via header (RFC 3261 §20.42).

use super::params::Params;
use super::text::{behind, cut, is_token, next_word};
use super::uri::host_port;

/// Where a request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// `SIP`.
    pub protocol: &'a str,
    /// `2.0`.
    pub version: &'a str,
    /// `WS`, `WSS`, `UDP`, …; unknown ones are legal.
    pub transport: &'a str,
    /// The host of sent-by; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// The port of sent-by, if one is written.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, …
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// One value: `SIP/2.0/WSS host:port;params`, with white space wherever
    /// the grammar allows it. `None` if malformed.
    pub fn parse(text: &'a str) -> Option<Via<'a>> {
        let (protocol, rest) = cut(text, b'/')?;
        let (version, mut sent_by) = cut(rest, b'/')?;
        let (protocol, version) = (protocol.trim_ascii(), version.trim_ascii());
        let transport = next_word(&mut sent_by);
        if ![protocol, version, transport].into_iter().all(is_token) {
            return None;
        }
        let (host, port, params) = host_port(sent_by.trim_ascii_start())?;
        let params = Params::parse(params)?;
        Some(Via {
            protocol,
            version,
            transport,
            host,
            port,
            params,
        })
    }

    /// The transaction identifier (RFC 3261 §8.1.1.7).
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch")
    }

    /// The address that the next hop saw; an IPv6 address loses the brackets
    /// that some write (RFC 5118 §4.5).
    pub fn received(&self) -> Option<&'a str> {
        let received = self.params.get("received")?;
        let inner = behind(received, b'[').and_then(|rest| rest.strip_suffix(']'));
        Some(inner.unwrap_or(received))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_may_stand_anywhere() {
        let text = "SIP  /    2.0   / UDP  192.168.255.111 : 5060  ; branch=   z9hG4bK30239";
        let via = Via::parse(text).unwrap();
        assert_eq!(
            (via.protocol, via.version, via.transport),
            ("SIP", "2.0", "UDP")
        );
        assert_eq!(
            (via.host, via.port, via.branch()),
            ("192.168.255.111", Some(5060), Some("z9hG4bK30239"))
        );
    }

    #[test]
    fn ipv6_is_read_in_sent_by_and_with_and_without_brackets_in_received() {
        for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
            let text =
                format!("SIP/2.0/WS [2001:db8::9:1]:6050;received={received};branch=z9hG4bKas3");
            let via = Via::parse(&text).unwrap();
            assert_eq!((via.host, via.port), ("[2001:db8::9:1]", Some(6050)));
            assert_eq!(via.received(), Some("2001:db8::9:255"));
        }
    }

    #[test]
    fn malformed_values_are_refused() {
        for bad in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0 host",
            "SIP/2.0/UDP a;;",
            "SIP/2.0/UDP a b",
            "//U a",
        ] {
            assert_eq!(Via::parse(bad), None, "{bad}");
        }
    }
}
