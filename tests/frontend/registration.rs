//! Logging in: refused, forced, ousted, left and come back.

use crate::support::{
    REGISTRAR, javascript, options, phone, rival, until, until_status, until_terminated,
};
use graceline::browser::{Code, Error, Event, Options, Phone, Status};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_second_client_is_refused_and_by_force_takes_the_device_over() {
    let first = phone("2001");
    let mut told = first.events();
    let registration = first.register(false).await.unwrap();
    assert_eq!(
        (registration.user.as_str(), registration.forced),
        ("2001", false)
    );
    assert_eq!(registration.instance_id, first.instance_id());
    assert_eq!(first.status(), Status::Ready);
    // Done already.
    assert_eq!(first.register(true).await.unwrap(), registration);

    let second = rival("2001");
    let refused = second.register(false).await.unwrap_err();
    assert_eq!(refused.code(), Code::DeviceAlreadyRegistered);
    assert_eq!(
        refused.to_string(),
        "Another client is logged in with this device. Ask the user, then call register(true)."
    );
    assert_eq!(second.status(), Status::Idle);
    assert_eq!(first.status(), Status::Ready);

    assert!(second.register(true).await.unwrap().forced);
    let (_, message) = until_terminated(&mut told).await;
    assert!(message.starts_with("You logged in elsewhere"), "{message}");
    assert_eq!(first.status(), Status::ConnectionTerminated);
    assert_eq!(first.registration(), None);

    second.close().await;
    assert_eq!(first.register(false).await.unwrap().forced, false);
    first.close().await;
}

#[wasm_bindgen_test]
async fn a_phone_of_the_npm_package_and_this_one_oust_each_other() {
    let ours = rival("2002");
    let mut told = ours.events();
    ours.register(false).await.unwrap();
    let body = format!(
        "const phone = globalThis.theirs = new graceline.Phone({{
           connections: '{REGISTRAR}', user: '2002', domain: 'example.com', password: 'secret' }});
         globalThis.ousted = new Promise((done) => phone.once('eConnectionTerminated', done));
         const refused = await phone.registerPhone().catch((error) => error.code);
         await phone.registerPhone({{ forceRegistration: true }});
         return refused;"
    );
    let outcome = javascript(&body);
    assert_eq!(outcome.await, "eDeviceAlreadyRegistered");
    until_terminated(&mut told).await;

    let refused = ours.register(false).await.unwrap_err();
    assert_eq!(refused.code(), Code::DeviceAlreadyRegistered);
    ours.register(true).await.unwrap();
    javascript("await ousted; await theirs.close();").await;
    assert_eq!(ours.status(), Status::Ready);
    ours.close().await;
}

/// What a user has done in another tab, and in which language that tab is written, makes
/// no difference: it is one client.
#[wasm_bindgen_test]
async fn tabs_settle_by_one_lock_who_speaks() {
    let ours = phone("2003");
    let mut told = ours.events();
    ours.register(false).await.unwrap();

    let tab = phone("2003");
    assert_eq!(tab.instance_id(), ours.instance_id());
    assert_eq!(
        tab.register(false).await.unwrap_err(),
        Error::DeviceHeldHere
    );

    let body = format!(
        "const phone = globalThis.tab = new graceline.Phone({{
           connections: '{REGISTRAR}', user: '2003', domain: 'example.com', password: 'secret' }});
         globalThis.ousted = new Promise((done) => phone.once('eConnectionTerminated', done));
         const error = await phone.registerPhone().catch((error) => error);
         await phone.registerPhone({{ forceRegistration: true }});
         return [phone.instanceId, error.code, error.details.elsewhere.sameBrowser].join();"
    );
    let outcome = javascript(&body);
    let expected = format!("{},eDeviceAlreadyRegistered,true", ours.instance_id());
    assert_eq!(outcome.await, expected.as_str());
    assert_eq!(until_terminated(&mut told).await.0, "sameBrowser");

    tab.register(true).await.unwrap();
    let reason = javascript("const { reason } = await ousted; await tab.close(); return reason;");
    assert_eq!(reason.await, "sameBrowser");
    tab.close().await;
    // Let go of: nobody has to be asked.
    ours.register(false).await.unwrap();
    ours.close().await;
}

/// As the browser says it of a page that the back-forward cache takes.
fn page(event: &str) {
    let made = js_sys::Function::new_with_args(
        "name",
        "dispatchEvent(new PageTransitionEvent(name, { persisted: true }))",
    );
    made.call1(&JsValue::UNDEFINED, &event.into()).unwrap();
}

#[wasm_bindgen_test]
async fn a_page_that_is_left_frees_the_line_and_one_that_comes_back_has_it_again() {
    let left = phone("2004");
    left.register(false).await.unwrap();
    page("pagehide");
    assert_eq!(left.status(), Status::Idle);

    // Somebody else, who would be refused if the line was held.
    let other = rival("2004");
    other.register(false).await.unwrap();
    other.close().await;

    let mut told = left.events();
    page("pageshow");
    until_status(&mut told, Status::Ready).await;
    left.close().await;
}

/// What sockets of the page are given meanwhile.
fn sent_during(act: impl FnOnce()) -> String {
    let run = |code: &str| {
        let run = js_sys::Function::new_no_args(code);
        run.call0(&JsValue::UNDEFINED).unwrap()
    };
    run("globalThis.sent = '';
         const { send } = WebSocket.prototype;
         WebSocket.prototype.send = function (data) { sent += data; send.call(this, data); };
         globalThis.undo = () => (WebSocket.prototype.send = send);");
    act();
    run("undo(); return sent;").as_string().unwrap()
}

#[wasm_bindgen_test]
async fn a_phone_that_is_dropped_frees_the_line() {
    let dropped = phone("2005");
    let clone = dropped.clone();
    let instance = dropped.instance_id().to_owned();
    let mut told = dropped.events();
    dropped.register(false).await.unwrap();
    drop(dropped);
    assert_eq!(clone.status(), Status::Ready, "a clone is the same phone");
    let sent = sent_during(|| drop(clone));
    assert!(
        sent.starts_with("REGISTER ") && sent.contains("xpires: 0\r\n"),
        "{sent}"
    );
    // The stream ends with it.
    while told.next().await.is_some() {}

    let other = rival("2005");
    other.register(false).await.unwrap();
    other.close().await;
    // The page loads again: the same client.
    let reloaded = phone("2005");
    assert_eq!(reloaded.instance_id(), instance);
    reloaded.register(false).await.unwrap();
    reloaded.close().await;
}

#[wasm_bindgen_test]
async fn calls_that_overlap_share_an_attempt_and_one_by_force_takes_its_place() {
    let phone = phone("2006");
    let both = futures_of(&phone, [false, false]).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    phone.unregister().await;
    assert_eq!(phone.status(), Status::Idle);
    // Nothing to be done.
    phone.unregister().await;

    let [polite, forced] = futures_of(&phone, [false, true]).await;
    assert_eq!(polite.unwrap_err(), Error::Superseded);
    assert!(forced.unwrap().forced);
    phone.close().await;
    assert_eq!(phone.register(false).await.unwrap_err(), Error::Closed);
}

/// Two calls of `register`, one after the other without waiting.
async fn futures_of(
    phone: &Phone,
    force: [bool; 2],
) -> [Result<graceline::browser::Registration, Error>; 2] {
    let mut pending: Vec<_> = force
        .map(|force| Some(Box::pin(phone.register(force))))
        .into();
    let mut done = [None, None];
    core::future::poll_fn(|context| {
        for (future, done) in pending.iter_mut().zip(&mut done) {
            if let Some(running) = future
                && let core::task::Poll::Ready(outcome) = running.as_mut().poll(context)
            {
                *done = Some(outcome);
                *future = None;
            }
        }
        match pending.iter().all(Option::is_none) {
            true => core::task::Poll::Ready(()),
            false => core::task::Poll::Pending,
        }
    })
    .await;
    done.map(Option::unwrap)
}

#[wasm_bindgen_test]
async fn a_login_whose_future_is_dropped_is_given_up() {
    let phone = phone("2007");
    let mut told = phone.events();
    {
        let mut login = Box::pin(phone.register(false));
        let started = core::future::poll_fn(|context| {
            core::task::Poll::Ready(login.as_mut().poll(context).is_pending())
        });
        assert!(started.await);
        until_status(&mut told, Status::Registering).await;
    }
    until_status(&mut told, Status::Idle).await;
    let other = rival("2007");
    other.register(false).await.unwrap();
    other.close().await;
    phone.close().await;
}

#[wasm_bindgen_test]
async fn errors_tell_what_is_wrong_and_what_to_do() {
    let wrong = |change: fn(&mut Options)| {
        let mut options = options("2008");
        change(&mut options);
        Phone::new(options).map(drop).unwrap_err()
    };
    let insecure = wrong(|options| options.connections = vec!["ws://sip.example.com".to_owned()]);
    assert_eq!(insecure.code(), Code::InvalidArgument);
    assert_eq!(
        insecure.to_string(),
        "The option \"connections\" must use wss:// (ws:// is for loopback hosts; \
         allowInsecure: true permits it elsewhere)."
    );
    let secret = wrong(|options| options.connections = vec!["wss://me:pw@example.com/".to_owned()]);
    assert!(secret.to_string().contains("password in a URL"), "{secret}");
    assert!(!secret.to_string().contains("pw"), "{secret}");

    let mut options = options("2008");
    options.password = Some("wrong".to_owned());
    let phone = Phone::new(options).unwrap();
    let error = phone.register(false).await.unwrap_err();
    assert_eq!(error.code(), Code::CredentialsRejected);
    assert_eq!(error.status(), Some(401));
    assert!(
        error.to_string().ends_with("Check user name and password."),
        "{error}"
    );
}

#[wasm_bindgen_test]
async fn options_are_read_under_the_names_of_javascript() {
    let read = |json: &str| {
        let value = js_sys::JSON::parse(json).unwrap();
        serde_wasm_bindgen::from_value::<Options>(value)
    };
    let options = read(
        r#"{ "connections": "wss://sip.example.com/", "user": "2001", "domain": "example.com",
             "authUser": "alice", "conflictScope": "user", "registrationType": "duplicate" }"#,
    );
    let options = options.unwrap();
    assert_eq!(options.connections, ["wss://sip.example.com/"]);
    assert_eq!(options.auth_user.as_deref(), Some("alice"));
    assert!(options.storage);
    let unknown = r#"{ "connections": [], "user": "2001", "domain": "x", "usr": "2001" }"#;
    let Err(unknown) = serde_json::from_str::<Options>(unknown) else {
        panic!("an option that nobody knows is taken");
    };
    assert!(unknown.to_string().contains("`usr`"), "{unknown}");
}

#[wasm_bindgen_test]
async fn every_message_is_told_where_that_is_asked_for_without_secrets() {
    let mut options = options("2009");
    options.trace = true;
    let phone = Phone::new(options).unwrap();
    let mut told = phone.events();
    phone.register(false).await.unwrap();
    let authorised = |event: &Event| match event {
        Event::Sip {
            sent: true,
            message,
        } if message.contains("Authorization:") => Some(message.clone()),
        _ => None,
    };
    let message = until(&mut told, authorised).await;
    assert!(!message.contains("response="), "{message}");
    phone.close().await;
}
