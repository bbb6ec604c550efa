//! One control of a banner: `NOFORN`, `REL TO USA, KOR`, `SI-G`.

use base::{Fault, Marking, Timestamp};

use super::CATEGORIES;
use crate::formats::{category, complain, narrow, push_caveat, push_new};
use crate::label::is_category;
use crate::{Caveat, MAX_WORDS, Pap, Tlp};

/// Takes controls one by one into a marking.
#[derive(Debug)]
pub(in crate::formats) struct Controls {
    pub(in crate::formats) marking: Marking,
    pub(in crate::formats) faults: Vec<Fault>,
    /// A REL list was read already.
    released: bool,
}

impl Controls {
    pub(in crate::formats) fn onto(marking: Marking) -> Self {
        let released = !marking.rel_to.is_empty();
        Self { marking, faults: Vec::new(), released }
    }

    /// Takes one control; its spaces are single.
    pub(in crate::formats) fn take(&mut self, control: &str) {
        if control.is_empty() || self.word(control) || self.list(control) || self.ours(control) {
            return;
        }
        let known = CATEGORIES.iter().find(|(banner, portion, _)| *banner == control || *portion == control);
        let word = match known {
            Some((_, _, category)) => (*category).to_owned(),
            None => compartment(control).unwrap_or_else(|| category("CAPCO", control)),
        };
        push_new(&mut self.marking.categories, word);
    }

    fn word(&mut self, control: &str) -> bool {
        match control {
            "NOFORN" | "NF" => push_caveat(&mut self.marking, Caveat::Noforn),
            "ORCON" | "OC" => push_caveat(&mut self.marking, Caveat::Orcon),
            "EXERCISE" => push_caveat(&mut self.marking, Caveat::Exercise),
            "RELIDO" => self.marking.relido = true,
            // A portion may leave the list to the banner. Alone it reaches nobody.
            "REL" | "REL TO" => {
                let message = "`REL` without a list means the list of the banner; alone it reaches nobody";
                complain(
                    &mut self.faults,
                    Fault::warning("label::rel_without_list", message).in_field("REL"),
                );
            }
            "DISPLAY ONLY" | "DISPLAYONLY" => {
                let message = "`DISPLAY ONLY` without a list shows it to nobody";
                complain(
                    &mut self.faults,
                    Fault::warning("label::rel_without_list", message).in_field("DISPLAY ONLY"),
                );
            }
            _ => return false,
        }
        true
    }

    fn list(&mut self, control: &str) -> bool {
        let codes = |list: &str| -> Vec<String> {
            list.split([',', ' ']).filter(|code| !code.is_empty()).map(str::to_owned).collect()
        };
        if let Some(list) = control.strip_prefix("REL TO ") {
            self.release_to(codes(list));
        } else if let Some(list) = control.strip_prefix("DISPLAY ONLY ") {
            for code in codes(list) {
                push_new(&mut self.marking.display_only, code);
            }
        } else if let Some(list) = control.strip_prefix("FGI ") {
            for code in codes(list) {
                self.owner(&code);
            }
        } else if control == "FGI" {
            // Of whom must not be said, so nobody can be asked.
            push_new(&mut self.marking.categories, "FGI");
        } else {
            return false;
        }
        true
    }

    /// A second list leaves only who is on both.
    pub(in crate::formats) fn release_to(&mut self, codes: Vec<String>) {
        if self.released {
            self.marking.rel_to.retain(|code| codes.contains(code));
        } else {
            for code in codes {
                push_new(&mut self.marking.rel_to, code);
            }
        }
        self.released = true;
    }

    /// One more originator.
    pub(in crate::formats) fn owner(&mut self, code: &str) {
        if self.marking.originator.len() > MAX_WORDS * 4 + 8 {
            // Already more than a marking may have, which is refused.
            return;
        }
        let known = self.marking.originator.split(' ').any(|owner| owner == code);
        if self.marking.originator.is_empty() {
            self.marking.originator = code.to_owned();
        } else if !known {
            self.marking.originator = format!("{} {code}", self.marking.originator);
        }
    }

    /// The words that we add to the register's.
    fn ours(&mut self, control: &str) -> bool {
        let time = |word: &str| word.parse::<Timestamp>().ok();
        let marking = &mut self.marking;
        if let Some(word) = control.strip_prefix("TLP:") {
            narrow::<Tlp>(&mut marking.tlp, word);
        } else if let Some(word) = control.strip_prefix("PAP:") {
            narrow::<Pap>(&mut marking.pap, word);
        } else if let Some(start) = control.strip_prefix("FROM ").and_then(time) {
            marking.valid_from = marking.valid_from.max(Some(start));
        } else if let Some(end) = control.strip_prefix("UNTIL ").and_then(time) {
            marking.expires = marking.expires.into_iter().chain([end]).min();
        } else if let Some(day) = control.strip_prefix("REVIEW ").and_then(time) {
            marking.review = marking.review.into_iter().chain([day]).min();
        } else if let Some(policy) = control.strip_prefix("POLICY ") {
            let before = marking.policy.take().map(|before| before + " ").unwrap_or_default();
            marking.policy = Some(before + policy);
        } else if let Some(word) = control.strip_prefix("CAT ").filter(|word| is_category(word)) {
            push_new(&mut marking.categories, word);
        } else {
            return false;
        }
        true
    }
}

/// SCI systems and special access programmes with their compartments.
fn compartment(control: &str) -> Option<String> {
    let system = control.split(['-', ' ']).next().unwrap_or_default();
    let space = match system {
        "SI" | "TK" | "HCS" | "KDK" | "RSV" | "G" | "KLONDIKE" => "SCI",
        "SAR" => "SAR",
        "RD" | "FRD" | "CNWDI" => "AEA",
        _ => return None,
    };
    let word = if space == "SAR" { control.get(4..)? } else { control };
    let sound = format!("{space}:{word}");
    (is_category(&sound) && !word.is_empty()).then_some(sound)
}
