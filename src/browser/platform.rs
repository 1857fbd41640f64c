//! What the page runs on.

use crate::prelude::*;

/// By what browsers call themselves: Edge and Opera are also Chrome, and everybody is
/// Safari, which is whoever has a version and no other name.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Version", "Safari"),
];

/// Android is also Linux, and iPhones are like Mac OS.
const SYSTEMS: [&str; 7] = [
    "Windows", "Android", "iPhone", "iPad", "CrOS", "Mac", "Linux",
];

/// Browser and system, such as "Chrome 156; Linux": by it people know their own devices,
/// and no more is told of them. As `js/phone/platform.js` has it.
pub(super) fn platform() -> String {
    let navigator = web_sys::window().map(|window| window.navigator());
    let agent = navigator.and_then(|navigator| navigator.user_agent().ok());
    let agent = agent.unwrap_or_default();
    let version = |mark: &str| {
        let (_, rest) = agent.split_once(mark)?;
        let (_, version) = rest.split_once('/')?;
        let end = |letter: char| !letter.is_ascii_digit();
        version.split(end).next().filter(|it| !it.is_empty())
    };
    let mut browsers = BROWSERS.iter();
    let browser = browsers.find_map(|(mark, name)| Some(format!("{name} {}", version(mark)?)));
    let system = SYSTEMS.iter().find(|system| agent.contains(**system));
    let parts = browser
        .into_iter()
        .chain(system.map(|name| (*name).to_owned()));
    parts.collect::<Vec<_>>().join("; ")
}

/// Bytes of the platform's cryptographic generator; zeros where there is none, which no
/// browser lacks.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Some(crypto) = web_sys::window().and_then(|window| window.crypto().ok()) {
        _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}
