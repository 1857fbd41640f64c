//! What a description says of hold.

use crate::text::pieces;

/// Does this description put us on hold: does every stream in it forbid us to
/// send (RFC 3264 §8.4)? A stream that is refused (port 0) says nothing.
pub(super) fn is_hold(description: &str) -> bool {
    let (mut streams, mut held) = (0, 0);
    let mut session = false;
    // Of the stream at hand: whether it counts, and whether it is held.
    let mut stream: Option<(bool, bool)> = None;
    // The end counts the last stream.
    for line in pieces(description, b'\n').chain(["m=end 0"]) {
        let line = line.trim_ascii();
        let direction = match line {
            "a=sendonly" | "a=inactive" => true,
            "a=sendrecv" | "a=recvonly" => false,
            _ => {
                if let Some(next) = line.strip_prefix("m=") {
                    if let Some((true, holds)) = stream {
                        streams += 1;
                        held += u32::from(holds);
                    }
                    stream = Some((pieces(next, b' ').nth(1) != Some("0"), session));
                }
                continue;
            }
        };
        match &mut stream {
            Some((_, holds)) => *holds = direction,
            None => session = direction,
        }
    }
    streams > 0 && streams == held
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
        ] {
            assert!(is_hold(&sdp(held)), "{held}");
        }
        for talks in [
            "v=0 m=audio_9_X_0",
            "v=0 m=audio_9_X_0 a=sendrecv",
            "v=0 m=audio_9_X_0 a=recvonly",
            "v=0 a=sendonly m=audio_9_X_0 a=sendrecv",
            "v=0 m=audio_9_X_0 a=sendonly m=video_9_X_0",
            "v=0",
            "",
        ] {
            assert!(!is_hold(&sdp(talks)), "{talks}");
        }
    }
}
