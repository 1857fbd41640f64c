//! Documents that subscriptions bring (RFC 6665), of packages that not every phone asks
//! for. Whoever does reads them here, in a module that is loaded for it: the machines
//! of the phone, which carry them, do not know what they say.

pub mod dialog_info;
