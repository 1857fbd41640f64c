//! Documents of the dialog event package, one after the other, as NOTIFYs bring them.

use graceline::documents::dialog_info::{DialogInfo, Dialogs, MAX_DIALOGS, Taken};

/// Between documents of an input.
const NEXT: u8 = 0x1e;

/// Inputs to start from.
pub const SEEDS: &[&str] = &[
    "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" \
     state=\"full\" entity=\"sip:alice@example.com\"><dialog id=\"a\" call-id='b' local-tag='c' \
     remote-tag='d' direction=\"initiator\"><state event='replaced' code='200'>confirmed</state><local>\
     <identity display='Alice'>sip:alice@example.com</identity><target uri='sip:a@b'><param \
     pname='+sip.rendering' pval='no'/></target></local></dialog></dialog-info>\x1e<dialog-info version='1' \
     state='partial' entity='e'><dialog id='a'><state>terminated</state></dialog></dialog-info>",
    "<dialog-info version='4294967295' state='partial' entity=''><dialog id='' direction='recipient'>\
     <state>trying</state></dialog></dialog-info>\x1e<dialog-info version='0' state='full' entity='' />",
];

/// Reads them; a table of what they say keeps to its rules.
pub fn run(data: &[u8]) {
    let mut table = Dialogs::default();
    for document in data.split(|byte| *byte == NEXT) {
        let Ok(info) = DialogInfo::parse(document) else {
            continue;
        };
        assert!(info.dialogs.len() <= MAX_DIALOGS);
        let before = table.list().to_vec();
        match table.take(info.clone()) {
            Taken::Not => assert_eq!(table.list(), before),
            Taken::Wholly => {
                for dialog in &info.dialogs {
                    let named = table.list().iter().filter(|known| known.id == dialog.id);
                    assert_eq!(named.count(), 1);
                }
            }
            Taken::WithGap => assert!(!info.full),
        }
        assert!(table.list().len() <= MAX_DIALOGS);
    }
}
