//! Faults of messages, with their places.

use base::Fault;

use super::model::Place;

/// Faults of one message beyond this many are counted, not kept.
const MAX_FAULTS: usize = 200;

/// Collects the faults of one message.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    dropped: u64,
    failed: bool,
}

impl Faults {
    pub(crate) fn error(
        &mut self,
        code: &str,
        place: Place,
        field: Option<&str>,
        message: impl Into<String>,
    ) {
        self.failed = true;
        self.push(Fault::error(code, message), place, field);
    }

    pub(crate) fn warning(
        &mut self,
        code: &str,
        place: Place,
        field: Option<&str>,
        message: impl Into<String>,
    ) {
        self.push(Fault::warning(code, message), place, field);
    }

    fn push(&mut self, fault: Fault, place: Place, field: Option<&str>) {
        if self.list.len() >= MAX_FAULTS {
            self.dropped += 1;
            return;
        }
        let mut fault = fault.at_line(place.line).at_bytes(place.byte_start, place.byte_end);
        if let Some(field) = field {
            // A field's name may come from the input: it is not repeated without end.
            fault = fault.in_field(crate::lines::shown(field));
        }
        self.list.push(fault);
    }

    /// Whether there was an error.
    pub(crate) const fn failed(&self) -> bool {
        self.failed
    }

    /// All faults; what was only counted is one more.
    pub(crate) fn finish(mut self, place: Place) -> Vec<Fault> {
        if self.dropped > 0 {
            let text = format!("{} more faults of this message are not listed", self.dropped);
            self.list.push(
                Fault::error("orbit::too_many_faults", text)
                    .at_line(place.line)
                    .at_bytes(place.byte_start, place.byte_end),
            );
        }
        self.list
    }
}
