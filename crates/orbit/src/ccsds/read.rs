//! From bytes to messages, whatever their form and encoding.

use base::{Fault, FaultLevel};

use super::encoding::Decoded;
use super::faults::Faults;
use super::model::{Message, MessageForm, Place};
use super::{kvn, xml};

/// The longest input that is read as messages: 1 GiB.
pub const MAX_MESSAGE_BYTES: usize = 1 << 30;

/// The longest single message: 64 MiB, which is an ephemeris of half a million lines.
pub const MAX_ONE_MESSAGE_BYTES: usize = 64 << 20;

/// The name of a section that holds comments only, where they stand between lines of data.
pub(crate) const LOOSE: &str = "data";

/// How much of an input is looked at to tell its form.
const SNIFF_BYTES: usize = 64 * 1024;

/// A message that stood in an input, whether or not it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// `OPM`, `CDM`, .., also a kind that is not read, such as `OCM`.
    pub kind: String,
    /// The version of its format as written.
    pub version: Option<String>,
    /// Whether it was read and is in order.
    pub ok: bool,
    /// Where it begins.
    pub place: Place,
}

/// What [`read_messages`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagesRead {
    /// The messages that are in order, in the order of the input.
    pub messages: Vec<Message>,
    /// Every message that stood there, also those that are refused.
    pub found: Vec<Found>,
    /// What was wrong, message by message: first what could not be read, then what does not fit together; `source` is
    /// filled in.
    pub faults: Vec<Fault>,
    /// How they were written; `None` when the input holds no message.
    pub form: Option<MessageForm>,
}

impl MessagesRead {
    /// Whether something was read and nothing was wrong; warnings may be there.
    pub fn is_ok(&self) -> bool {
        !self.messages.is_empty() && self.faults.iter().all(|fault| fault.level == FaultLevel::Warning)
    }
}

/// What [`each_message`] hands on: one message, or what is wrong with the input as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What it was; its kind is empty where the input as a whole is refused.
    pub found: Found,
    /// The message, when it is in order.
    pub message: Option<Message>,
    /// What was wrong.
    pub faults: Vec<Fault>,
}

/// How the messages in `bytes` are written, by content: `None` when there is neither an XML document nor a line
/// `CCSDS_.._VERS = ..` at the beginning. Reads UTF-8, UTF-16 and UCS-4.
pub fn message_form(bytes: &[u8]) -> Option<MessageForm> {
    let mut head = bytes.get(..SNIFF_BYTES.min(bytes.len()))?;
    // The cut may go through a character.
    for _ in 0..4 {
        if Decoded::new(head).is_ok() {
            break;
        }
        head = head.split_last().map_or(head, |(_, rest)| rest);
    }
    match Decoded::new(head) {
        Ok(decoded) => form_of(&decoded.text),
        // Somewhere within is no character: what stands before it decides.
        Err(fault) => {
            let end = usize::try_from(fault.byte_start?).ok()?;
            form_of(&Decoded::new(bytes.get(..end)?).ok()?.text)
        }
    }
}

fn form_of(text: &str) -> Option<MessageForm> {
    if text.trim_start().starts_with('<') {
        return Some(MessageForm::Xml);
    }
    kvn::begins_message(text).then_some(MessageForm::Kvn)
}

/// Reads orbit, conjunction and tracking data messages: OPM, OMM, OEM, CDM and TDM in KVN or XML, one, several KVN
/// messages one after the other, or an `<ndm>` with any number. `source` names the input in faults.
///
/// The tables of the standards decide (502.0-B-3, 503.0-B-2, 508.0-B-1, 505.0-B; versions 1.0 to the newest). A
/// message with an error is refused as a whole: half a state vector is worse than none. Every value keeps its text,
/// its unit and its bytes. XML with a document type is refused and no entity but the five of XML itself is resolved.
///
/// | code | meaning |
/// |---|---|
/// | `orbit::empty` | there is nothing in the input |
/// | `orbit::unknown_format` | neither KVN nor XML, or an XML document of another kind |
/// | `orbit::unsupported_message` | a message of a kind that is not read (OCM, APM, AEM, ACM, RDM) |
/// | `orbit::unknown_keyword` | no keyword, section or element of this message |
/// | `orbit::misplaced_keyword` | a keyword or block where it may not stand |
/// | `orbit::repeated_keyword` | a keyword or block twice |
/// | `orbit::missing_field` | something required is absent or empty |
/// | `orbit::bad_field` | a value cannot be read |
/// | `orbit::bad_unit` | a unit that does not measure what the keyword measures |
/// | `orbit::bad_line` | a line of KVN that is none, or has too many or too few columns |
/// | `orbit::inconsistent` | two values that cannot both be right |
/// | `orbit::truncated` | the message ends within a block |
/// | `orbit::bad_xml` | XML that is not well formed |
/// | `orbit::xml_doctype`, `orbit::xml_entity` | a document type or an entity; never resolved |
/// | `orbit::invalid_utf8` | bytes that are no characters |
/// | `orbit::line_too_long`, `orbit::too_large`, `orbit::too_deep` | beyond what is read |
/// | `orbit::unknown_version` | (warning) a version that the standards did not have when this was written |
///
/// ```
/// let opm = b"CCSDS_OPM_VERS = 3.0
/// CREATION_DATE = 2026-03-10T12:00:00
/// ORIGINATOR = KASI
/// OBJECT_NAME = KOMPSAT-5
/// OBJECT_ID = 2013-042A
/// CENTER_NAME = EARTH
/// REF_FRAME = EME2000
/// TIME_SYSTEM = UTC
/// EPOCH = 2026-03-10T12:00:00
/// X = 6503514 [m]
/// Y = 1239.647 [km]
/// Z = -717.49
/// X_DOT = -0.873160
/// Y_DOT = 8.740420
/// Z_DOT = -4.191076
/// ";
/// let read = orbit::read_messages(opm, "kompsat-5.opm");
/// assert!(read.is_ok());
/// let message = &read.messages[0];
/// assert_eq!(message.states()[0].position_km, [6503.514, 1239.647, -717.49]);
/// assert!(message.to_xml().contains("<X units=\"m\">6503514</X>"));
///
/// let wrong = String::from_utf8_lossy(opm).replace("[m]", "[s]");
/// let fault = &orbit::read_messages(wrong.as_bytes(), "kompsat-5.opm").faults[0];
/// assert_eq!((fault.code.as_str(), fault.line, fault.field.as_deref()), ("orbit::bad_unit", Some(10), Some("X")));
/// ```
pub fn read_messages(bytes: &[u8], source: &str) -> MessagesRead {
    let mut read = MessagesRead {
        messages: Vec::new(),
        found: Vec::new(),
        faults: Vec::new(),
        form: message_form(bytes),
    };
    each_message(bytes, source, &mut |outcome| {
        read.found.extend(Some(outcome.found).filter(|found| !found.kind.is_empty()));
        read.messages.extend(outcome.message);
        read.faults.extend(outcome.faults);
    });
    read
}

/// As [`read_messages`], but hands on each message as soon as it is read, so that one at a time is in memory.
pub fn each_message(bytes: &[u8], source: &str, take: &mut dyn FnMut(Outcome)) {
    each(bytes, &mut |mut outcome| {
        for fault in &mut outcome.faults {
            fault.source = Some(source.to_owned());
        }
        take(outcome);
    });
}

fn each(bytes: &[u8], take: &mut dyn FnMut(Outcome)) {
    let whole = Place { line: 1, byte_start: 0, byte_end: bytes.len() as u64 };
    let refuse = |fault: Fault| Outcome {
        found: Found { kind: String::new(), version: None, ok: false, place: whole },
        message: None,
        faults: vec![fault],
    };
    if bytes.len() > MAX_MESSAGE_BYTES {
        let message =
            format!("{} bytes, more than the {MAX_MESSAGE_BYTES} that are read; split it", bytes.len());
        take(refuse(Fault::error("orbit::too_large", message).at_line(1).at_bytes(0, bytes.len() as u64)));
        return;
    }
    let decoded = match Decoded::new(bytes) {
        Ok(decoded) => decoded,
        Err(fault) => return take(refuse(*fault)),
    };
    if decoded.text.trim().is_empty() {
        let message = "there is nothing in the input; check that the download or the pipe gave data";
        take(refuse(Fault::error("orbit::empty", message).at_line(1).at_bytes(0, bytes.len() as u64)));
        return;
    }
    match form_of(&decoded.text) {
        Some(MessageForm::Kvn) => kvn::read(&decoded, take),
        Some(MessageForm::Xml) => xml::read(&decoded, take),
        None => {
            let message = "neither XML nor a line such as `CCSDS_OMM_VERS = 2.0` at the beginning";
            let start = decoded.text.len() - decoded.text.trim_start().len();
            let blank = decoded.text.get(..start).unwrap_or_default();
            let end = start + decoded.text.trim_start().lines().next().unwrap_or_default().len();
            take(refuse(
                Fault::error("orbit::unknown_format", message)
                    .at_line(blank.matches('\n').count() as u64 + 1)
                    .at_bytes(decoded.offset(start), decoded.offset(end)),
            ));
        }
    }
}

/// The fault for a message of a kind that is not read.
pub(crate) fn unsupported(faults: &mut Faults, place: Place, field: &str, kind: &str) {
    let message = format!("messages of kind {kind} are not read; OPM, OMM, OEM, CDM and TDM are");
    faults.error("orbit::unsupported_message", place, Some(field), message);
}
