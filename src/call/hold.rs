//! What a description says of hold.

use crate::text::pieces;

/// Does this description put us on hold: does every stream in it forbid us to
/// send (RFC 3264 §8.4)? A stream that is refused (port 0) says nothing beside
/// others, and holds where it has no others beside it. Only sound and pictures
/// count: whatever else there is has no direction.
pub(super) fn is_hold(description: &str) -> bool {
    let (mut open, mut held, mut refused) = (0, 0, 0);
    let mut session = false;
    // Of the stream at hand, if it counts: whether it is open, and held.
    let mut stream: Option<(bool, bool)> = None;
    let mut in_session = true;
    // The end counts the last stream.
    for line in pieces(description, b'\n').chain(["m=end"]) {
        let line = line.trim_ascii();
        let direction = match line {
            "a=sendonly" | "a=inactive" => true,
            "a=sendrecv" | "a=recvonly" => false,
            _ => {
                if let Some(next) = line.strip_prefix("m=") {
                    match stream {
                        Some((true, holds)) => {
                            open += 1;
                            held += u32::from(holds);
                        }
                        Some(_) => refused += 1,
                        None => {}
                    }
                    let mut words = pieces(next, b' ');
                    let counts = matches!(words.next(), Some("audio" | "video"));
                    stream = counts.then(|| (words.next() != Some("0"), session));
                    in_session = false;
                }
                continue;
            }
        };
        match &mut stream {
            Some((_, holds)) => *holds = direction,
            None if in_session => session = direction,
            None => {}
        }
    }
    held == open && open + refused > 0
}

#[cfg(test)]
mod tests {
    use super::is_hold;

    #[test]
    fn hold_is_seen_in_every_shape() {
        let sdp = |lines: &str| lines.replace(' ', "\r\n").replace('_', " ");
        for held in [
            "v=0 m=audio_9_X_0 a=sendonly",
            "v=0 a=inactive m=audio_9_X_0",
            "v=0 m=audio_9_X_0 a=inactive m=video_9_X_0 a=sendonly",
            "v=0 m=audio_9_X_0 a=sendonly m=video_0_X_0 a=sendrecv",
            "v=0 m=audio_9_X_0 a=sendonly m=application_50100_UDP/BFCP_*",
            "v=0 m=application_9_UDP/BFCP_* a=sendrecv m=audio_9_X_0 a=inactive",
            "v=0 m=message_9_TCP/MSRP_* a=sendrecv m=audio_9_X_0 a=sendonly m=text_9_X_98",
            "v=0 m=image_0_udptl_t38 a=sendonly m=audio_9_X_0 a=sendonly",
            "v=0 m=audio_0_X_0",
            "v=0 m=audio_0_X_0 a=sendrecv m=video_0_X_0",
            "v=0 m=audio_0_X_0 m=application_9_UDP/BFCP_*",
        ] {
            assert!(is_hold(&sdp(held)), "{held}");
        }
        for talks in [
            "v=0 m=audio_9_X_0",
            "v=0 m=audio_9_X_0 a=sendrecv",
            "v=0 m=audio_9_X_0 a=recvonly",
            "v=0 a=sendonly m=audio_9_X_0 a=sendrecv",
            "v=0 m=audio_9_X_0 a=sendonly m=video_9_X_0",
            "v=0 m=audio_0_X_0 m=video_9_X_0",
            "v=0 m=application_9_UDP/BFCP_* a=sendonly m=audio_9_X_0",
            "v=0 m=application_9_UDP/BFCP_* a=sendonly",
            "v=0",
            "",
        ] {
            assert!(!is_hold(&sdp(talks)), "{talks}");
        }
    }
}
